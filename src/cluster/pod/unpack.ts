import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../events/hash.ts';
import { POD_EXIT } from './exit-codes.ts';

/**
 * The program of the init container `unpack`: `unpack.ts <chunks> <into> <sha256>` joins the chunks, compares their
 * hash with the roster's once more, and unpacks them. It runs with the submission's own rights and limits.
 */
const [chunks = '', into = '', expected = ''] = process.argv.slice(2);
process.exitCode = await unpack();

async function unpack(): Promise<number> {
  // The kubelet's own links begin with two dots.
  const names = (await readdir(chunks)).filter((name) => /^\d\d$/.test(name)).toSorted();
  const bytes = Buffer.concat(await Promise.all(names.map((name) => readFile(join(chunks, name)))));
  const found = sha256(bytes);
  if (found !== expected) {
    process.stderr.write(`${names.length} chunks have the SHA-256 ${found}, not ${expected}\n`);
    return POD_EXIT.hashDiffers;
  }
  const tar = spawn('tar', ['-xzf', '-', '--no-same-owner', '--no-same-permissions'], {
    cwd: into,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  // A tar that gives up closes its side: its exit code says the rest.
  tar.stdin.on('error', () => undefined).end(bytes);
  const [code] = await once(tar, 'close');
  return code === 0 ? 0 : POD_EXIT.notAnArchive;
}
