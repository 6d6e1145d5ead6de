import { formatInterchange } from './signing-interchange.ts';
import { missingOf } from './signing-merge.ts';
import type { Holdings, SigningRecords } from './signing-records.ts';
import type { SigningIdentity } from './signing-schema.ts';

/** Everything that an identity signed, as an interchange file. */
export async function exportSigning(
  identity: SigningIdentity,
  { read }: Pick<SigningRecords, 'read'>,
): Promise<string> {
  return formatInterchange(identity, await read());
}

/**
 * Adds what an interchange file of the same identity holds to a signing database, all or nothing, and gives
 * what was added. From then on nothing is signed in a run up to the file's newest but what the rows show: the
 * file may be older than what it was made from. A second import of it changes nothing. Throws
 * `signing.refused` for one that contradicts itself or what is held.
 */
export async function importSigning(
  imported: Holdings,
  { read, add }: Pick<SigningRecords, 'read' | 'add'>,
): Promise<Holdings> {
  const missing = missingOf(imported, await read());
  await add(missing, imported);
  return missing;
}
