-- A database in memory: rows, indexes, joins, updates, a third of the rows gone, then compacted.
PRAGMA cache_size = -65536;
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, city INTEGER, note TEXT);
CREATE TABLE visit (person INTEGER, day INTEGER, price REAL, place TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
INSERT INTO person SELECT i, 'person ' || (i * 7919 % 1000003), i * 31 % 997,
  substr('a longer text that is cut at some place, for rows of many lengths; and on it goes', 1, i * 17 % 80) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
INSERT INTO visit SELECT i * 104729 % 120000 + 1, i % 365, i * 13 % 1000 / 7.0, 'place ' || (i % 4001) FROM n;
CREATE INDEX person_by_name ON person (name);
CREATE INDEX visit_by_person ON visit (person, day);
SELECT city, count(*), sum(price) FROM person JOIN visit ON person.id = visit.person GROUP BY city ORDER BY 3 DESC LIMIT 5;
SELECT place, group_concat(day) FROM visit WHERE person < 2000 GROUP BY place ORDER BY length(group_concat(day)) DESC LIMIT 3;
UPDATE person SET note = note || ' and more' WHERE id % 5 = 0;
DELETE FROM visit WHERE person % 3 = 0;
SELECT name FROM person WHERE name LIKE '%777%' ORDER BY note LIMIT 5;
CREATE TABLE words AS SELECT DISTINCT place AS word FROM visit;
VACUUM;
SELECT count(*) FROM visit v JOIN words w ON v.place = w.word;
