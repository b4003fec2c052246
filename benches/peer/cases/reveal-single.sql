\set number random(1, 20000)
SELECT reveal(ARRAY[token]) FROM sample WHERE number = CAST(:number AS bigint);
