/** The schema of all extensions. */
export const EXTENSIONS = "extensions";

/**
 * Condition that an extension is in a schema where it serves at most one worktree and would be dropped with
 * its data.
 */
export const IS_MISPLACED = "(n.nspname = 'public' OR n.nspname ~ '^(wt|retired)_')";

/**
 * Creates an event trigger that moves an extension to its schema within the statement that creates it, so
 * that the next statement in any worktree can use it.
 */
export const EXTENSION_TRIGGER: readonly string[] = [
  `CREATE OR REPLACE FUNCTION ${EXTENSIONS}.ikigai_gather() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $do$
   DECLARE e record;
   BEGIN
     FOR e IN SELECT x.extname, x.extrelocatable, n.nspname FROM pg_event_trigger_ddl_commands() c
                JOIN pg_extension x ON x.oid = c.objid AND c.classid = 'pg_extension'::regclass
                JOIN pg_namespace n ON n.oid = x.extnamespace WHERE ${IS_MISPLACED}
     LOOP
       IF e.extrelocatable THEN
         EXECUTE format('ALTER EXTENSION %I SET SCHEMA ${EXTENSIONS}', e.extname);
       ELSE
         RAISE WARNING 'the extension % lies in the schema %, where other worktrees cannot use it', e.extname, e.nspname
           USING HINT = format('DROP EXTENSION %I; CREATE EXTENSION %I SCHEMA ${EXTENSIONS}', e.extname, e.extname);
       END IF;
     END LOOP;
   EXCEPTION WHEN OTHERS THEN
     RAISE WARNING '%', SQLERRM;
   END $do$`,
  `DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'ikigai_gather') THEN
     CREATE EVENT TRIGGER ikigai_gather ON ddl_command_end WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION ${EXTENSIONS}.ikigai_gather();
   END IF; END $do$`,
];
