\set number random(1000000, 900000000000000)
SELECT count(*) FROM tokenize(ARRAY(SELECT 'Customer ' || n FROM generate_series(CAST(:number AS bigint), CAST(:number AS bigint) + 999) AS n));
