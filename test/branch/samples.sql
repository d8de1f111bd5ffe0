-- The shapes of the three sample databases that people load first, written anew and small.
SET search_path = wt_main, extensions;
SET ROLE wt_main;

-- A music shop: plain tables, names in mixed case, compound keys, a tree of employees.
CREATE TABLE "Artist" ("ArtistId" int PRIMARY KEY, "Name" varchar(120));
CREATE TABLE "Album" ("AlbumId" int PRIMARY KEY, "Title" varchar(160) NOT NULL, "ArtistId" int NOT NULL,
  CONSTRAINT "FK_AlbumArtistId" FOREIGN KEY ("ArtistId") REFERENCES "Artist" ON DELETE NO ACTION);
CREATE INDEX "IFK_AlbumArtistId" ON "Album" ("ArtistId");
CREATE TABLE "Employee" ("EmployeeId" int PRIMARY KEY, "LastName" varchar(20) NOT NULL, "ReportsTo" int REFERENCES "Employee", "BirthDate" timestamp);
CREATE TABLE "Track" ("TrackId" int PRIMARY KEY, "Name" varchar(200) NOT NULL, "AlbumId" int REFERENCES "Album", "UnitPrice" numeric(10, 2) NOT NULL);
CREATE TABLE "Playlist" ("PlaylistId" int PRIMARY KEY, "Name" varchar(120));
CREATE TABLE "PlaylistTrack" ("PlaylistId" int NOT NULL REFERENCES "Playlist", "TrackId" int NOT NULL REFERENCES "Track", PRIMARY KEY ("PlaylistId", "TrackId"));
INSERT INTO "Artist" SELECT i, 'Artist ' || i FROM generate_series(1, 50) i;
INSERT INTO "Album" SELECT i, 'Album — ' || i, 1 + i % 50 FROM generate_series(1, 120) i;
INSERT INTO "Employee" SELECT i, 'E' || i, nullif(i / 2, 0), '1970-01-01'::timestamp + i * interval '1 day' FROM generate_series(1, 20) i;
INSERT INTO "Track" SELECT i, 'Tök "' || i || '" \', 1 + i % 120, 0.99 FROM generate_series(1, 900) i;
INSERT INTO "Playlist" VALUES (1, 'All'), (2, NULL);
INSERT INTO "PlaylistTrack" SELECT 1, i FROM generate_series(1, 900) i;

-- A trader: pictures, reals, one table of letters as keys.
CREATE TABLE customers (customer_id bpchar PRIMARY KEY, company_name varchar(40) NOT NULL);
CREATE TABLE categories (category_id smallint PRIMARY KEY, category_name varchar(15) NOT NULL, picture bytea);
CREATE TABLE products (product_id smallint PRIMARY KEY, category_id smallint REFERENCES categories, unit_price real, discontinued int NOT NULL);
CREATE TABLE orders (order_id smallint PRIMARY KEY, customer_id bpchar REFERENCES customers, order_date date, freight real);
CREATE TABLE order_details (order_id smallint NOT NULL REFERENCES orders, product_id smallint NOT NULL REFERENCES products, unit_price real NOT NULL, quantity smallint NOT NULL, discount real NOT NULL, PRIMARY KEY (order_id, product_id));
INSERT INTO customers SELECT chr(65 + i) || 'LFKI', 'Company ' || i FROM generate_series(0, 25) i;
INSERT INTO categories SELECT i, 'Category ' || i, decode(repeat('5c27ff00', 400), 'hex') FROM generate_series(1, 8) i;
INSERT INTO products SELECT i, 1 + i % 8, i * 1.1::real, i % 2 FROM generate_series(1, 77) i;
INSERT INTO orders SELECT i, chr(65 + i % 26) || 'LFKI', date '1996-07-04' + i, i * 0.3::real FROM generate_series(1, 830) i;
INSERT INTO order_details SELECT i, 1 + i % 77, 1.1, 3, 0.05 FROM generate_series(1, 830) i;

-- A rental shop: enum, domain, arrays, text search by trigger, aggregate, partitions by month, views, rules.
CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN year AS integer CONSTRAINT year_check CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE FUNCTION _group_concat(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $_$ SELECT CASE WHEN $2 IS NULL THEN $1 WHEN $1 IS NULL THEN $2 ELSE $1 || ', ' || $2 END $_$;
CREATE AGGREGATE group_concat(text) (SFUNC = _group_concat, STYPE = text);
CREATE FUNCTION last_updated() RETURNS trigger LANGUAGE plpgsql AS $_$ BEGIN NEW.last_update = CURRENT_TIMESTAMP; RETURN NEW; END $_$;
CREATE SEQUENCE film_film_id_seq;
CREATE TABLE film (film_id integer DEFAULT nextval('film_film_id_seq'::regclass) PRIMARY KEY, title text NOT NULL, description text, release_year year,
  original_film integer REFERENCES film, rating mpaa_rating DEFAULT 'G'::mpaa_rating, special_features text[], last_update timestamptz NOT NULL DEFAULT now(), fulltext tsvector NOT NULL);
ALTER SEQUENCE film_film_id_seq OWNED BY film.film_id;
CREATE TRIGGER film_fulltext_trigger BEFORE INSERT OR UPDATE ON film FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description');
CREATE TRIGGER last_updated BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION last_updated();
CREATE INDEX film_fulltext_idx ON film USING gist (fulltext);
CREATE INDEX idx_title ON film (title);
CREATE TABLE actor (actor_id serial PRIMARY KEY, first_name text NOT NULL, last_update timestamptz NOT NULL DEFAULT now());
CREATE TABLE film_actor (actor_id int NOT NULL REFERENCES actor ON UPDATE CASCADE ON DELETE RESTRICT, film_id int NOT NULL REFERENCES film, PRIMARY KEY (actor_id, film_id));
INSERT INTO film (title, description, release_year, rating, special_features) SELECT 'FILM ' || i, 'A ' || md5(i::text) || ' story', 1901 + i % 200, (enum_range(NULL::mpaa_rating))[1 + i % 5], '{Trailers,"Deleted Scenes"}' FROM generate_series(1, 300) i;
INSERT INTO actor (first_name) SELECT 'ACTOR ' || i FROM generate_series(1, 40) i;
INSERT INTO film_actor SELECT 1 + i % 40, i FROM generate_series(1, 300) i;
CREATE TABLE payment (payment_id serial, customer_id int NOT NULL, amount numeric(5, 2) NOT NULL, payment_date timestamptz NOT NULL, PRIMARY KEY (payment_date, payment_id)) PARTITION BY RANGE (payment_date);
DO $_$ BEGIN FOR m IN 1..6 LOOP
  EXECUTE format('CREATE TABLE payment_p2022_%s PARTITION OF payment FOR VALUES FROM (%L) TO (%L)', to_char(m, 'FM00'), make_timestamptz(2022, m, 1, 0, 0, 0, 'UTC'), make_timestamptz(2022, m + 1, 1, 0, 0, 0, 'UTC'));
  EXECUTE format('CREATE INDEX ON payment_p2022_%s (customer_id)', to_char(m, 'FM00'));
END LOOP; END $_$;
CREATE INDEX payment_customer ON payment (customer_id, amount);
INSERT INTO payment (customer_id, amount, payment_date) SELECT i % 99, i % 90 + 0.99, timestamptz '2022-01-01 00:00Z' + i * interval '2 hours' FROM generate_series(1, 2000) i;
CREATE VIEW film_list AS SELECT f.film_id AS fid, f.title, f.rating, group_concat(a.first_name) AS actors FROM film f LEFT JOIN film_actor fa USING (film_id) LEFT JOIN actor a USING (actor_id) GROUP BY f.film_id, f.title, f.rating;
CREATE MATERIALIZED VIEW rental_by_category AS SELECT rating, count(*) AS films FROM film GROUP BY rating ORDER BY 2 DESC;
CREATE UNIQUE INDEX rental_category ON rental_by_category (rating);
CREATE FUNCTION film_in_stock(p_film_id integer, OUT p_count integer) RETURNS SETOF integer LANGUAGE sql AS $_$ SELECT film_id FROM film WHERE film_id = $1 $_$;
CREATE FUNCTION rewards(min numeric DEFAULT 5) RETURNS SETOF film LANGUAGE plpgsql SECURITY DEFINER AS $_$
  DECLARE rr RECORD; tmpSQL text; BEGIN tmpSQL := 'CREATE TEMP TABLE tmpc (film_id integer PRIMARY KEY) ON COMMIT DROP'; EXECUTE tmpSQL;
  EXECUTE 'INSERT INTO tmpc SELECT film_id FROM film WHERE film_id < ' || quote_literal(min);
  FOR rr IN EXECUTE 'SELECT f.* FROM tmpc JOIN film f USING (film_id)' LOOP RETURN NEXT rr; END LOOP; RETURN; END $_$;
RESET ROLE;
