/** More fields than any client of ours sends. */
const MAX_PARTS = 16;

/** A part names its field and its file: some 200 bytes. */
const MAX_PART_HEADER_BYTES = 4_096;

/**
 * The bytes of the one field of a `multipart/form-data` body (RFC 7578) with this name; null where the body is none, or
 * has no such field or several. The bytes are a view of the body, which is a stranger's.
 */
export function formField(body: Uint8Array, contentType: string, name: string): Uint8Array | null {
  const boundary = boundaryOf(contentType);
  if (boundary === null) return null;
  const found = partsOf(Buffer.from(body.buffer, body.byteOffset, body.length), boundary)?.filter(
    (part) => part.name === name,
  );
  return found?.length === 1 ? (found[0]?.content ?? null) : null;
}

/** Whether a body says that it is a form with fields. */
export function isForm(contentType: string): boolean {
  return /^multipart\/form-data\s*(;|$)/i.test(contentType);
}

function boundaryOf(contentType: string): string | null {
  const found = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))\s*(?:;|$)/i.exec(contentType);
  return isForm(contentType) ? (found?.[1] ?? found?.[2] ?? null) : null;
}

type Part = Readonly<{ name: string | null; content: Uint8Array }>;

/** The parts between the boundaries; null where the body does not end with the last of them. */
function partsOf(body: Buffer, boundary: string): readonly Part[] | null {
  const delimiter = `--${boundary}`;
  const parts: Part[] = [];
  let at = body.subarray(0, delimiter.length).equals(Buffer.from(delimiter))
    ? delimiter.length
    : afterOf(body, `\r\n${delimiter}`, 0);
  while (at !== null && parts.length <= MAX_PARTS) {
    if (body.toString('latin1', at, at + 2) === '--') return parts;
    if (body.toString('latin1', at, at + 2) !== '\r\n') return null;
    const headerEnd = body.indexOf('\r\n\r\n', at);
    if (headerEnd < 0 || headerEnd - at > MAX_PART_HEADER_BYTES) return null;
    const end = body.indexOf(`\r\n${delimiter}`, headerEnd + 2);
    if (end < 0) return null;
    const content = body.subarray(headerEnd + 4, Math.max(end, headerEnd + 4));
    parts.push({ name: nameOf(body.toString('latin1', at, headerEnd)), content });
    at = end + 2 + delimiter.length;
  }
  return null;
}

function afterOf(body: Buffer, text: string, from: number): number | null {
  const at = body.indexOf(text, from);
  return at < 0 ? null : at + text.length;
}

function nameOf(header: string): string | null {
  const line = /\r\ncontent-disposition:\s*form-data\s*(;[^\r\n]*)/i.exec(header)?.[1] ?? '';
  return /;\s*name="([^"\r\n]*)"/i.exec(line)?.[1] ?? null;
}
