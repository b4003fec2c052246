\set number random(1, 19001)
SELECT count(*) FROM reveal(ARRAY(SELECT token FROM sample WHERE number BETWEEN CAST(:number AS bigint) AND CAST(:number AS bigint) + 999));
