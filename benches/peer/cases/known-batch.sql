\set number random(1, 19001)
SELECT count(*) FROM tokenize(ARRAY(SELECT value FROM sample WHERE number BETWEEN CAST(:number AS bigint) AND CAST(:number AS bigint) + 999));
