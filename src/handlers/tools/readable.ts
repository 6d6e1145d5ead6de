import { type PageText, pageText } from './page-text.ts';

/** A fetched body as people read it: HTML by its text, anything else as it is. */
export function readable(
  page: Readonly<{ finalUrl: string; contentType: string; body: Uint8Array }>,
): PageText {
  const { finalUrl, contentType, body } = page;
  const text = decode(body, contentType);
  if (/html/i.test(contentType)) return pageText(text, finalUrl);
  return { title: '', text, links: [] };
}

/** A text's beginning; what is left out shows as three dots, as in the existing service. */
export function cutText(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars).trimEnd()}...`.toWellFormed();
}

/** In the charset that the server names, if it is one; else as UTF-8. Bytes that are no text are replaced. */
function decode(body: Uint8Array, contentType: string): string {
  const [, charset = 'utf-8'] =
    /charset\s{0,4}=\s{0,4}"?([a-z0-9_:.-]{1,40})/i.exec(contentType) ?? [];
  return decoderOf(charset).decode(body);
}

function decoderOf(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset);
  } catch {
    // The server's own name for a charset that nobody knows.
    return new TextDecoder();
  }
}
