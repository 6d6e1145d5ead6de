/** A source that an answer names. */
export type Citation = Readonly<{ url: string; title: string }>;

/** More sources than an honest answer names, and longer addresses than browsers take. */
const MAX_CITATIONS = 64;
const MAX_URL_LENGTH = 2_048;
const MAX_TITLE_LENGTH = 512;

/** The members of an object; null for anything else. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  // safe: an object that is no array has members by name
  return value as Readonly<Record<string, unknown>>;
}

/**
 * Where runtimes put their answer: `output.answer`, or `content` or `text` of it, a text or a list of blocks with
 * texts; then the same names at the top. Null where there is none.
 */
export function answerOf(body: Readonly<Record<string, unknown>>): string | null {
  const output = recordOf(body['output']) ?? {};
  const places = [
    output['answer'],
    output['content'],
    output['text'],
    body['output_text'],
    body['response_text'],
    body['text'],
    body['content'],
  ];
  return places.map(textOf).find((text) => text !== null) ?? null;
}

/** The citations among some values, each once by its address, and no more than a limit. */
export function citationsOf(values: readonly unknown[]): readonly Citation[] {
  const found = new Map<string, Citation>();
  for (const value of values) {
    if (found.size >= MAX_CITATIONS) break;
    const { url, title } = recordOf(value) ?? {};
    if (typeof url !== 'string' || url === '' || url.length > MAX_URL_LENGTH) continue;
    if (!found.has(url))
      found.set(url, {
        url,
        title: typeof title === 'string' ? title.slice(0, MAX_TITLE_LENGTH) : '',
      });
  }
  return [...found.values()];
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const texts = value.map((block) => recordOf(block)?.['text']).filter(isText);
  return texts.length === 0 ? null : texts.join('');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
