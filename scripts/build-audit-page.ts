import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type OutputChunk, rolldown } from 'rolldown';
import { z } from 'zod';
import { AUDIT_PAGE_FOLDER } from '../src/runtime/audit-page-files.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCE = join(ROOT, 'src/audit-page');
const STAMP = 'stamp.json';

/** Bundled, each into one file: the page, and the worker that audits for it. */
const BUNDLED = { 'audit.js': 'page.ts', 'verifier.js': 'verifier.ts' };

/** Copied as they are. */
const STATIC = ['index.html', 'audit.css'];

/** What the page is made of, beside the modules that are bundled. */
const INGREDIENTS = [
  'package-lock.json',
  'scripts/build-audit-page.ts',
  ...STATIC.map((file) => `src/audit-page/${file}`),
];

/** Which files of the project the page was built from, and the hash over their content. */
const Stamp = z.strictObject({ files: z.array(z.string()), digest: z.string() });

/** Bundles the auditor's own source for the browser, where the page isn't built from exactly this source already. */
async function buildAuditPage(folder: string): Promise<void> {
  if (await isBuilt(folder)) return say('as built');
  const next = `${folder}.next-${process.pid}`;
  try {
    say(`built, ${Math.round((await build(next)) / 1024)} KiB`);
    await rm(folder, { recursive: true, force: true });
    await rename(next, folder);
  } finally {
    await rm(next, { recursive: true, force: true });
  }
}

/** Writes the page's files into a folder; gives the bytes of its programs. */
async function build(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const chunks: OutputChunk[] = [];
  for (const [file, entry] of Object.entries(BUNDLED))
    chunks.push(...(await bundle(join(SOURCE, entry), join(folder, file))));
  for (const file of STATIC) await copyFile(join(SOURCE, file), join(folder, file));
  const files = [...new Set([...INGREDIENTS, ...chunks.flatMap(ownModules)])].toSorted();
  await writeFile(join(folder, STAMP), JSON.stringify({ files, digest: await digestOf(files) }));
  return chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
}

/** Not minified: who doubts the page can read what it runs. */
async function bundle(input: string, file: string): Promise<readonly OutputChunk[]> {
  await using bundler = await rolldown({
    input,
    cwd: ROOT,
    platform: 'browser',
    resolve: {
      alias: {
        'node:crypto': join(SOURCE, 'node-crypto.ts'),
        '@polkadot/wasm-crypto-asmjs': join(SOURCE, 'no-asm.ts'),
        // Node loads polkadot.js faster as CommonJS; of ES modules a bundle holds no more than what is used.
        '@polkadot/util-crypto/cjs/address/index': '@polkadot/util-crypto/address',
        '@polkadot/wasm-crypto/cjs/index': join(
          ROOT,
          'node_modules/@polkadot/wasm-crypto/index.js',
        ),
      },
    },
    transform: { inject: { Buffer: [join(SOURCE, 'buffer.ts'), 'Buffer'] }, target: 'es2022' },
    onLog: (_level, { message }) => {
      throw new Error(`rolldown: ${message}`);
    },
  });
  const { output } = await bundler.write({ file, format: 'esm', codeSplitting: false });
  return output.filter((file) => file.type === 'chunk');
}

function ownModules({ moduleIds }: OutputChunk): readonly string[] {
  return moduleIds
    .map((id) => relative(ROOT, id).replaceAll('\\', '/'))
    .filter((path) => path.startsWith('src/'));
}

async function isBuilt(folder: string): Promise<boolean> {
  const stamp = Stamp.safeParse(await readJson(join(folder, STAMP)));
  return stamp.success && (await digestOf(stamp.data.files)) === stamp.data.digest;
}

/** A file that is gone counts as empty: then the source is another one. */
async function digestOf(files: readonly string[]): Promise<string> {
  const digest = createHash('sha256');
  for (const file of files) {
    const content = await readFile(join(ROOT, file)).catch(() => '');
    digest.update(`${file}\0${Buffer.byteLength(content)}\0`).update(content);
  }
  return digest.digest('hex');
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null; // no stamp: nothing is built
  }
}

function say(message: string): void {
  console.log(`setup: audit page: ${message}`);
}

await buildAuditPage(AUDIT_PAGE_FOLDER);
