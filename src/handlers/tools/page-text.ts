import { type HtmlToken, htmlTokens } from './html-tokens.ts';

/** What people read on a page. */
export type PageText = Readonly<{ title: string; text: string; links: readonly PageLink[] }>;

type PageLink = Readonly<{ href: string; text: string }>;

/** As much as the existing service gives. */
const MAX_TITLE_LENGTH = 200;
const MAX_LINK_TEXT_LENGTH = 200;
const MAX_LINKS = 50;

/** What stands around a page's own text, or is no text. */
const BOILERPLATE = new Set([
  'script',
  'style',
  'noscript',
  'nav',
  'footer',
  'header',
  'aside',
  'form',
  'svg',
  'iframe',
  'template',
  'textarea',
]);

/** Elements that do not begin a new line. */
const INLINE = new Set(
  'a abbr b bdi bdo big cite code data del dfn em font i img ins kbd mark q s samp small span strike strong sub sup time tt u var wbr'.split(
    ' ',
  ),
);

/**
 * Title, text and links of an attacker-controlled HTML page. The text is that of its `main`, else of its `article`,
 * else all of it, without navigation, forms and the like, one line for each block; links are absolute and lead to
 * http or https.
 */
export function pageText(html: string, base: string): PageText {
  const reader = createReader(base);
  for (const token of htmlTokens(html)) reader.read(token);
  return reader.result();
}

type Place = 'main' | 'article' | 'page';

function createReader(base: string) {
  const texts: Record<Place, string[]> = { main: [], article: [], page: [] };
  const depth = { main: 0, article: 0, boilerplate: 0, title: 0 };
  const links: PageLink[] = [];
  let title = '';
  let link: { href: string; text: string } | null = null;

  function add(text: string): void {
    if (depth.title > 0) {
      if (text.trim() !== '') title ||= text;
      return;
    }
    if (link !== null && link.text.length < MAX_LINK_TEXT_LENGTH) link.text += text;
    if (depth.boilerplate > 0) return;
    texts.page.push(text);
    if (depth.article > 0) texts.article.push(text);
    if (depth.main > 0) texts.main.push(text);
  }

  function count(name: string, by: 1 | -1): void {
    const step = (key: keyof typeof depth): void => {
      // An end tag without a start means nothing.
      depth[key] = Math.max(0, depth[key] + by);
    };
    if (name === 'main' || name === 'article' || name === 'title') step(name);
    if (BOILERPLATE.has(name)) step('boilerplate');
  }

  function endLink(): void {
    if (link !== null && links.length < MAX_LINKS)
      links.push({ href: link.href, text: oneLine(link.text).slice(0, MAX_LINK_TEXT_LENGTH) });
    link = null;
  }

  return {
    read: (token: HtmlToken): void => {
      // A line's end in the source is a space on the page.
      if (token.kind === 'text') return add(token.text.replace(/\s+/g, ' '));
      const { kind, name } = token;
      if (name === 'a') {
        endLink();
        const href = kind === 'start' ? absolute(token.attributes.get('href'), base) : null;
        if (href !== null) link = { href, text: '' };
      }
      count(name, kind === 'start' ? 1 : -1);
      if (!INLINE.has(name)) add('\n');
    },
    result: (): PageText => {
      endLink();
      const found = (['main', 'article', 'page'] as const)
        .map((place) => lines(texts[place].join('')))
        .find((text) => text !== '');
      return {
        title: oneLine(title).slice(0, MAX_TITLE_LENGTH),
        text: found ?? '',
        links,
      };
    },
  };
}

/** Null for what leads nowhere else: a place on the page itself, or another scheme. */
function absolute(href: string | undefined, base: string): string | null {
  const given = href?.trim() ?? '';
  if (given === '' || given.startsWith('#')) return null;
  const url = URL.parse(given, base);
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : null;
}

function lines(text: string): string {
  return text
    .split('\n')
    .map(oneLine)
    .filter((line) => line !== '')
    .join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
