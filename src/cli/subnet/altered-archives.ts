import { passOn } from './pass-on.ts';

/**
 * Stands in front of the owner's service and alters the archives of one miner on their way: whoever fetches them gets
 * other bytes than the owner's signed roster says. `submissions` names those of that miner.
 */
export function openAlteredArchives(
  owner: string,
  submissions: () => ReadonlySet<string>,
): Promise<{ url: string } & AsyncDisposable> {
  return passOn(owner, (path, body) => {
    const [, submission = ''] = /\/submissions\/([^/]+)\/archive$/.exec(path) ?? [];
    return submissions().has(submission) ? altered(body) : body;
  });
}

/** One bit is other than it was, at the end, where a check value of gzip stands. */
function altered(body: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(body);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}
