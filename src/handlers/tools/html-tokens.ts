import { decodeEntities } from './html-entities.ts';

/** A piece of HTML in the order of the page; texts are decoded, names are in lower case. */
export type HtmlToken =
  | Readonly<{ kind: 'text'; text: string }>
  | Readonly<{ kind: 'start'; name: string; attributes: ReadonlyMap<string, string> }>
  | Readonly<{ kind: 'end'; name: string }>;

/** What these hold is no markup; of all but a title it is no text for people either. */
const RAW = new Set(['script', 'style', 'title', 'textarea', 'xmp', 'iframe', 'noscript']);

/** A tag with more says nothing that is read here. */
const MAX_ATTRIBUTES = 64;

/**
 * Reads attacker-controlled HTML from its beginning to its end once, without ever looking back: time and memory grow
 * with its length. It knows tags, attributes, comments and raw text, as much as reading a page's text and links takes.
 */
export function* htmlTokens(html: string): Generator<HtmlToken> {
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    const end = open < 0 ? html.length : open;
    if (end > at) yield { kind: 'text', text: decodeEntities(html.slice(at, end)) };
    if (open < 0) return;
    const markup = readMarkup(html, open);
    at = markup.end;
    if (markup.token === null) continue;
    yield markup.token;
    if (markup.token.kind !== 'start' || !RAW.has(markup.token.name)) continue;
    const { name } = markup.token;
    const close = endOfRaw(html, at, name);
    yield { kind: 'text', text: decodeEntities(html.slice(at, close)) };
    yield { kind: 'end', name };
    at = after(html, '>', close);
  }
}

/** What begins with `<`; its token, if it is one that counts, and where the rest goes on. */
type Markup = Readonly<{ token: HtmlToken | null; end: number }>;

function readMarkup(html: string, open: number): Markup {
  if (html.startsWith('<!--', open)) return { token: null, end: after(html, '-->', open + 4) };
  const next = html[open + 1] ?? '';
  if (next === '!' || next === '?') return { token: null, end: after(html, '>', open) };
  if (next === '/') {
    const name = nameAt(html, open + 2);
    return { token: { kind: 'end', name }, end: after(html, '>', open) };
  }
  const name = nameAt(html, open + 1);
  // A bare `<` is text.
  if (name === '') return { token: { kind: 'text', text: '<' }, end: open + 1 };
  return readStartTag(html, open + 1 + name.length, name);
}

function readStartTag(html: string, from: number, name: string): Markup {
  const attributes = new Map<string, string>();
  ATTRIBUTE.lastIndex = from;
  for (let read = ATTRIBUTE.exec(html); read !== null; read = ATTRIBUTE.exec(html)) {
    const [, key = '', double, single, bare] = read;
    const known = key.toLowerCase();
    const value = double ?? single ?? bare ?? '';
    if (attributes.size < MAX_ATTRIBUTES && !attributes.has(known))
      attributes.set(known, decodeEntities(value));
    from = ATTRIBUTE.lastIndex;
  }
  return { token: { kind: 'start', name, attributes }, end: after(html, '>', from) };
}

/** One attribute where the last one ended; each part is followed by a character that it can't hold itself. */
const ATTRIBUTE =
  /[\s/]*([^\s/>=<"']{1,64})(?:\s{0,16}=\s{0,16}(?:"([^"]{0,4096})"|'([^']{0,4096})'|([^\s>"']{0,4096})))?/y;

const NAME = /[a-z][a-z0-9:-]{0,31}/iy;

function nameAt(html: string, at: number): string {
  NAME.lastIndex = at;
  return NAME.exec(html)?.[0].toLowerCase() ?? '';
}

/** Where a raw element's end tag begins; the end of the page where it has none. */
function endOfRaw(html: string, from: number, name: string): number {
  for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2)) {
    if (nameAt(html, at + 2) === name) return at;
  }
  return html.length;
}

/** The place behind the next such text; the end of the page where there is none. */
function after(html: string, text: string, from: number): number {
  const at = html.indexOf(text, from);
  return at < 0 ? html.length : at + text.length;
}
