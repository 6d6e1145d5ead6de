/** A part of a document that is found as a whole; places count UTF-16 units of the document without outer spaces. */
export type Chunk = Readonly<{
  docId: string;
  chunkId: string;
  text: string;
  charStart: number;
  charEnd: number;
}>;

export type ChunkSizes = Readonly<{ chunkChars: number; overlapChars: number }>;

/** A chunk ends with a sentence, if one ends so near to its limit. */
const LOOKBACK = 200;

/** Cuts a document into chunks that overlap; `overlapChars` is at most half of `chunkChars`. The same text has the same chunks. */
export function chunkDocument(
  docId: string,
  content: string,
  { chunkChars, overlapChars }: ChunkSizes,
): readonly Chunk[] {
  const text = content.trim().toWellFormed();
  const chunks: Chunk[] = [];
  let start = 0;
  while (start < text.length) {
    // The next chunk begins behind this one's beginning, however near the sentence ends.
    const end = endOf(text, start + overlapChars + 1, Math.min(start + chunkChars, text.length));
    const part = text.slice(start, end).trim();
    if (part !== '') {
      const chunkId = `${docId}#${String(chunks.length).padStart(4, '0')}`;
      chunks.push({ docId, chunkId, text: part.toWellFormed(), charStart: start, charEnd: end });
    }
    if (end >= text.length) break;
    start = end - overlapChars;
  }
  return chunks;
}

/** Behind the last sentence that ends within reach of the limit, and not before `least`; the limit itself where none does. */
function endOf(text: string, least: number, limit: number): number {
  if (limit >= text.length) return limit;
  const from = Math.max(least, limit - LOOKBACK);
  const ends = [...text.slice(from, limit).matchAll(/[.!?]\s+/g)];
  const last = ends.at(-1);
  return last === undefined ? limit : from + last.index + last[0].length;
}
