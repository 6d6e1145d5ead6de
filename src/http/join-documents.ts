/** Puts encoded documents into a JSON array between `before` and `after`, byte for byte: nothing signed is re-encoded. */
export function joinDocuments(
  before: string,
  documents: readonly Uint8Array[],
  after: string,
): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(before)];
  for (const [index, document] of documents.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(document);
  }
  return Buffer.concat([...parts, Buffer.from(after)]);
}

const COMMA = Buffer.from(',');
