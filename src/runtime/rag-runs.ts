import { z } from 'zod';
import type { RunCorpora } from '../handlers/tools/rag-store.ts';
import { dropping, textLiteral } from './rag-sql.ts';
import { jsonLiteral, type Writer } from './sqlite.ts';

/** Which runs there are, with their miners and what these search. */
export const RUN_TABLES = [
  `CREATE TABLE IF NOT EXISTS run_deployments (
    deployment TEXT PRIMARY KEY,
    run TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS run_corpora (
    run TEXT NOT NULL,
    corpus TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (run, corpus)
  ) STRICT, WITHOUT ROWID`,
];

const Found = z.object({ digest: z.string() });

/** Binds a run, whatever it was bound to before; gives the contents that are not there. */
export async function bindRun(
  writer: Writer,
  { run, deployments, corpora }: RunCorpora,
): Promise<readonly string[]> {
  const name = textLiteral(run);
  await writer.transaction([
    ...freeing(`run = ${name}`),
    `INSERT OR REPLACE INTO run_deployments (deployment, run)
      SELECT value, ${name} FROM json_each(${jsonLiteral(deployments)})`,
    `INSERT INTO run_corpora (run, corpus, digest)
      SELECT ${name}, value ->> 'corpusId', value ->> 'digest' FROM json_each(${jsonLiteral(corpora)})`,
  ]);
  return digestsOf(
    writer,
    `SELECT DISTINCT digest FROM run_corpora
      WHERE run = ?1 AND digest NOT IN (SELECT digest FROM corpora)`,
    [run],
  );
}

/** Frees all other runs, and removes the corpora that nobody is bound to then; gives their number. */
export async function keepOnlyRuns(writer: Writer, runs: readonly string[]): Promise<number> {
  const others = `run NOT IN (SELECT value FROM json_each(${jsonLiteral(runs)}))`;
  const gone = await digestsOf(
    writer,
    `SELECT digest FROM run_corpora WHERE ${others}
      EXCEPT SELECT digest FROM run_corpora WHERE NOT (${others})`,
  );
  await writer.transaction([...freeing(others), ...gone.flatMap(dropping)]);
  return gone.length;
}

/** A deployment of a run means what its run is bound to and nothing else, anybody else what was written last for no run. */
export async function contentsFor(
  writer: Writer,
  deployment: string,
  corpusId: string,
): Promise<string | null> {
  const [found] = await digestsOf(
    writer,
    `SELECT digest FROM corpora WHERE corpus = ?2 AND CASE
        WHEN EXISTS (SELECT 1 FROM run_deployments WHERE deployment = ?1)
        THEN digest = (
          SELECT bound.digest FROM run_deployments JOIN run_corpora AS bound USING (run)
            WHERE deployment = ?1 AND bound.corpus = ?2
        )
        ELSE digest NOT IN (SELECT digest FROM run_corpora)
      END
      ORDER BY written DESC LIMIT 1`,
    [deployment, corpusId],
  );
  return found ?? null;
}

function freeing(which: string): readonly string[] {
  return [`DELETE FROM run_deployments WHERE ${which}`, `DELETE FROM run_corpora WHERE ${which}`];
}

async function digestsOf(
  writer: Writer,
  sql: string,
  parameters: readonly string[] = [],
): Promise<readonly string[]> {
  return (await writer.all(sql, parameters)).map((row) => Found.parse(row).digest);
}
