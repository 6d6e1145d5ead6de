import { sha256 } from '../events/hash.ts';

/** Documents that are searched together, and how they are cut into chunks, in UTF-16 units. */
export type Corpus = Readonly<{
  corpusId: string;
  documents: readonly Readonly<{ docId: string; content: string }>[];
  chunkChars: number;
  overlapChars: number;
}>;

/** The existing service's sizes, where nobody says others. */
export const CHUNK_SIZES = { chunkChars: 1_500, overlapChars: 200 } as const;

/** What a corpus is known by: SHA-256, in hex, of all that decides what is found in it. Two of one name may differ. */
export function corpusDigest({ corpusId, documents, chunkChars, overlapChars }: Corpus): string {
  const contents = documents.map(({ docId, content }) => [docId, content]);
  return sha256(JSON.stringify(['eirel/corpus/1', corpusId, chunkChars, overlapChars, contents]));
}
