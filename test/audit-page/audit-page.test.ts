import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAuditPage } from '#src/runtime/audit-page-files.ts';
import { publishedFiles } from '#src/runtime/published-files.ts';
import { startApp, type TestApp } from '../http/client.ts';
import { fakeValidator } from '../http/fake-validator.ts';
import { findChromium, startChromium } from '../support/chromium.ts';
import { SELF, SOURCE } from '../support/honest-log.ts';
import { type PublishedLog, publishLog } from '../support/published-log.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const executable = findChromium();

/** Two bundles, the second one partial. */
const SHAPE = { runs: 3, miners: 4, tasks: 21 };

describe.skipIf(executable === undefined)(
  'the audit page, in the Chromium of CHROMIUM or of this machine',
  () => {
    let dir: string;
    let browser: Browser | undefined;
    let log: PublishedLog;

    beforeAll(async () => {
      await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build-audit-page.ts')]);
      dir = await mkdtemp(join(tmpdir(), 'eirel-audit-page-'));
      log = await publishLog(dir, SHAPE);
      browser = await startChromium(executable ?? '');
    });
    afterAll(async () => {
      await browser?.close();
      await rm(dir, { recursive: true, force: true });
    });

    test('an honest log is clean, and the page shows whose it is and what was read', async () => {
      await using app = await serveLog(dir, log);
      const { page, complaints } = await openPage(browser, app, '/audit');
      expect(await page.getByLabel('Address of the log').inputValue()).toBe(`${app.url}/log`);
      await page.getByRole('button', { name: 'Audit' }).click();
      expect(await verdictOf(page)).toMatchObject({ kind: 'clean', title: 'The log is clean' });
      const facts = await page.locator('#facts').innerText();
      expect(facts).toContain(SELF.hotkey);
      expect(facts).toContain(SOURCE);
      expect(facts).toContain(`${log.size}, each hashed`);
      expect(facts).toMatch(/Decisions\s+3, each computed again/);
      expect(page.url()).toBe(`${app.url}/audit?log=${encodeURIComponent(`${app.url}/log`)}`);
      expect(complaints).toEqual([]);
    });

    test.each([
      { what: 'an event', path: 'tile/entries/000', index: 123, code: 'entry-altered' },
      {
        what: 'an event of a partial bundle',
        path: 'tile/entries/001.p/75',
        index: 290,
        code: 'entry-altered',
      },
      { what: 'a served hash', path: 'tile/0/000', index: 77, code: 'tile-altered' },
    ])('one flipped byte of $what is told with its index', async ({ path, index, code }) => {
      const file = join(dir, 'log', path);
      const honest = await readFile(file);
      await writeFile(file, honest.with(placeIn(path, honest, index), 0x21));
      await using app = await serveLog(dir, log);
      const { page, complaints } = await openPage(browser, app, `/audit?log=${app.url}/log`);
      const verdict = await verdictOf(page);
      await writeFile(file, honest);
      expect(verdict).toMatchObject({ kind: 'faulty', title: 'The log is faulty' });
      expect(verdict.text).toBe(`Event ${index}: ${code}.`);
      const fault = page.getByRole('listitem');
      expect(await fault.count()).toBe(1);
      expect(await fault.innerText()).toMatch(/Expected\s+[0-9a-f]{64}\s+Found\s+[0-9a-f]{64}/);
      expect(complaints).toEqual([]);
    });

    test('an audit that is stopped gets no verdict, and the next one does', async () => {
      const files = publishedFiles(join(dir, 'log'));
      const stopped = Promise.withResolvers<void>();
      const file = (path: string) => stopped.promise.then(() => files(path));
      await using app = await serveLog(dir, log, file);
      const { page } = await openPage(browser, app, '/audit');
      await page.getByRole('button', { name: 'Audit' }).click();
      await page.getByRole('button', { name: 'Stop' }).click();
      expect(await verdictOf(page)).toMatchObject({ kind: 'unknown', title: 'Stopped' });
      stopped.resolve();
      await page.getByRole('button', { name: 'Audit' }).click();
      await page.getByRole('heading', { name: 'The log is clean' }).waitFor();
      expect(await page.getByRole('progressbar').isVisible()).toBe(false);
    });

    test('a log that does not answer gets no verdict', async () => {
      await using app = await serveLog(dir, log);
      const { page } = await openPage(browser, app, '/audit?log=http://127.0.0.1:9/log'); // the discard port
      expect(await verdictOf(page)).toMatchObject({ kind: 'unknown', title: 'Not audited' });
    });

    test('a log of another server is audited by the page of this one', async () => {
      await using app = await serveLog(dir, log);
      await using elsewhere = await serveLog(dir, log);
      const { page } = await openPage(browser, app, `/audit?log=${elsewhere.url}`);
      expect(await verdictOf(page)).toMatchObject({ kind: 'clean' });
      expect(await page.getByLabel('Address of the log').inputValue()).toBe(`${elsewhere.url}/log`);
    });
  },
);

/** A validator that serves the page and a published log from its folder. */
function serveLog(
  dir: string,
  { size, note }: PublishedLog,
  file = publishedFiles(join(dir, 'log')),
): Promise<TestApp> {
  const publishedLog = { checkpoint: () => ({ size, note }), file };
  return startApp(fakeValidator({}, { auditPage: readAuditPage, publishedLog }));
}

/** Opens a page; what the browser complains about, refusals by the page's policy among it, is kept. */
async function openPage(browser: Browser | undefined, app: TestApp, path: string) {
  if (browser === undefined) throw new Error('no browser was started');
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on(
    'console',
    (message) => void (message.type() !== 'log' && complaints.push(message.text())),
  );
  page.on('pageerror', (error) => void complaints.push(error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(app.url).host) complaints.push(request.url());
  });
  await page.goto(`${app.url}${path}`);
  return { page, complaints };
}

async function verdictOf(page: Page) {
  const verdict = page.locator('#verdict');
  await verdict.waitFor();
  return {
    kind: await verdict.getAttribute('data-verdict'),
    title: await verdict.getByRole('heading').innerText(),
    text: await verdict.getByRole('paragraph').innerText(),
  };
}

/** A byte in the middle of an event, or of a hash. */
function placeIn(path: string, bytes: Uint8Array, index: number): number {
  const at = index % 256;
  if (!path.startsWith('tile/entries/')) return at * 32 + 16;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let start = 0;
  for (let before = 0; before < at; before += 1) start += 2 + view.getUint16(start);
  return start + 2 + Math.floor(view.getUint16(start) / 2);
}
