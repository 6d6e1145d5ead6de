import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pageText } from '#src/handlers/tools/page-text.ts';

const BASE = 'https://site.example/docs/page.html';

describe('the text of a page', () => {
  test('is what people read, one line for each block', () => {
    const html = `<!DOCTYPE html><html><head><title>A &amp; B
      page</title><style>p{color:red}</style><script>if (a<b) alert("</p>")</script></head>
      <body><nav><a href="/home">Home</a></nav><h1>Big   <em>news</em></h1><!-- <p>no</p> --><p>One
      line &ndash; 1 &lt; 2&#33; &#x1F600;</p><ul><li>first<li>second</ul><footer>(c)</footer></body></html>`;
    expect(pageText(html, BASE)).toEqual({
      title: 'A & B page',
      text: 'Big news\nOne line – 1 < 2! 😀\nfirst\nsecond',
      links: [{ href: 'https://site.example/home', text: 'Home' }],
    });
  });

  test('is that of its main part, else of its article', () => {
    const article = '<p>around</p><article><p>the article</p></article>';
    expect(pageText(article, BASE).text).toBe('the article');
    expect(pageText(`${article}<main>the main part</main>`, BASE).text).toBe('the main part');
    expect(pageText(`<main></main>${article}`, BASE).text).toBe('the article');
  });

  test('is read from broken markup, too', () => {
    expect(pageText('a < b </nav> c <p>d <script>never closed', BASE).text).toBe('a < b\nc\nd');
    expect(pageText('x<a href=/y', BASE)).toEqual({
      title: '',
      text: 'x',
      links: [{ href: 'https://site.example/y', text: '' }],
    });
  });

  test('has links to the web, absolute, at most fifty', () => {
    const hrefs = [
      '#a',
      'javascript:alert(1)',
      'mailto:a@b',
      'data:text/html,x',
      '',
      '../b?c=1&amp;d=2',
      '//other.example',
    ];
    const html = hrefs.map((href) => `<a class=x href="${href}">to <b>it</b></a>`).join('');
    expect(pageText(html, BASE).links).toEqual([
      { href: 'https://site.example/b?c=1&d=2', text: 'to it' },
      { href: 'https://other.example/', text: 'to it' },
    ]);
    expect(pageText('<a href=/x>y</a>'.repeat(60), BASE).links).toHaveLength(50);
  });

  test('is read in time that grows with the page alone', () => {
    const hostile = [
      '<'.repeat(120_000),
      '<a '.repeat(50_000),
      '<!--'.repeat(50_000),
      '<script>'.repeat(25_000),
      `<p ${'x="'.repeat(40_000)}`,
      `<p ${' '.repeat(120_000)}`,
      '<title></'.repeat(20_000),
      '&#'.repeat(75_000),
      '<nav>'.repeat(40_000),
      `<a href="${'/'.repeat(120_000)}">`,
    ];
    for (const html of hostile) {
      const begun = performance.now();
      pageText(html, BASE);
      expect(performance.now() - begun, html.slice(0, 8)).toBeLessThan(2_000);
    }
  });

  test('never fails, and gives no markup of its own making', () => {
    const markup = fc.constantFrom(
      '<',
      '>',
      '</',
      'a',
      'p',
      ' href=',
      '"',
      "'",
      '&amp;',
      '<!--',
      '-->',
      '=',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(markup, fc.string()), { maxLength: 60 }), (parts) => {
        const { title, text, links } = pageText(parts.join(''), BASE);
        expect(title.length).toBeLessThanOrEqual(200);
        expect(text).toBe(text.trim());
        for (const { href } of links) expect(href).toMatch(/^https?:/);
      }),
      { numRuns: 300 },
    );
  });
});
