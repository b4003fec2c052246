\set number random(1, 20000)
SELECT tokenize(ARRAY['Customer ' || CAST(:number AS bigint)]);
