import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One entry of apt's sources: where packages come from, without the options. */
export type AptSource = Readonly<{
  uris: readonly string[];
  suites: readonly string[];
  components: readonly string[];
}>;

/** Reads the enabled binary package sources of the apt configuration in `etc`, of either format. */
export async function aptSources(etc: string): Promise<readonly AptSource[]> {
  const folder = join(etc, 'sources.list.d');
  const parts = (await ifPresent(readdir(folder), [])).toSorted().map((file) => join(folder, file));
  const sources: AptSource[] = [];
  for (const path of [join(etc, 'sources.list'), ...parts]) {
    const text = await ifPresent(readFile(path, 'utf8'), '');
    if (path.endsWith('.list')) sources.push(...parseOneLineSources(text));
    if (path.endsWith('.sources')) sources.push(...parseDeb822Sources(text));
  }
  return sources;
}

/** `deb [options] uri suite component…`, one entry a line. */
export function parseOneLineSources(text: string): readonly AptSource[] {
  return text.split('\n').flatMap((line) => {
    const entry = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (entry === null) return [];
    const [, uri = '', suite = '', components = ''] = entry;
    return [{ uris: [uri], suites: [suite], components: words(components) }];
  });
}

/** Paragraphs of `Field: value` lines; a line that begins with a space goes on with the field above it. */
export function parseDeb822Sources(text: string): readonly AptSource[] {
  const uncommented = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  return uncommented.split(/\n\s*\n/).flatMap((paragraph) => {
    const unfolded = paragraph.replaceAll(/\n\s+/g, ' ');
    const field = (name: string) =>
      words(new RegExp(`^${name}:(.*)$`, 'im').exec(unfolded)?.[1] ?? '');
    if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return [];
    return [{ uris: field('URIs'), suites: field('Suites'), components: field('Components') }];
  });
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

async function ifPresent<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise;
    throw error;
  }
}
