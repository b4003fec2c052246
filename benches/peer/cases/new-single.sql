\set number random(1000000, 900000000000000)
SELECT tokenize(ARRAY['Customer ' || CAST(:number AS bigint)]);
