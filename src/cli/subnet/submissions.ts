import { readFile } from 'node:fs/promises';
import { packArchive } from './pack-archive.ts';

/** What the miners of the local subnet submit, by the file that says how they work. */
export type SubmissionKind = 'honest' | 'slow' | 'wrong' | 'forger' | 'careless';

const FOLDER = new URL('submissions/', import.meta.url);

/** The archive of a submission of this kind. */
export async function submissionArchive(kind: SubmissionKind): Promise<Buffer> {
  const [app, serve, solve] = await Promise.all(
    [kind, 'serve', 'solve'].map((file) => readFile(new URL(`${file}.mjs`, FOLDER), 'utf8')),
  );
  return packArchive({
    'submission.yaml': manifestOf(kind),
    'app.mjs': app ?? '',
    'serve.mjs': serve ?? '',
    'solve.mjs': solve ?? '',
  });
}

/** The bytes of the local subnet's task set. */
export function taskSetBytes(): Promise<Buffer> {
  return readFile(new URL('task-set.json', FOLDER));
}

function manifestOf(kind: SubmissionKind): string {
  return [
    'schema_version: 1',
    'agent:',
    `  name: ${kind}`,
    'family_id: general_chat',
    'inference:',
    '  providers: [development]',
    '  model: echo',
    'sdk_runtime:',
    '  package_mode: node',
    '  entry_module: app.mjs',
    '',
  ].join('\n');
}
