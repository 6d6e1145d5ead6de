import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { installNatsServer } from './nats-server-cache.ts';

export const OFFICIAL_RELEASES = 'https://github.com/nats-io/nats-server/releases/download';

/** The release that the project is tested with. */
const RELEASE = 'v2.15.1';

/** Without a network this fails at once or never: nobody should wait longer before the next way is tried. */
const REACHABLE_TIMEOUT_MS = 5_000;

/** About six megabytes over a slow line. */
const DOWNLOAD_TIMEOUT_MS = 300_000;

const PLATFORMS: Readonly<Record<string, string>> = { win32: 'windows' };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm: 'arm7' };

/**
 * Fetches the official archive for this platform from `releases`, checks it against the release's
 * SHA256SUMS and installs its nats-server at `target`. Throws when any of that fails.
 */
export async function fetchRelease(
  target: string,
  releases: string,
): Promise<{ version: string; from: string }> {
  const sums = await download(`${releases}/${RELEASE}/SHA256SUMS`, REACHABLE_TIMEOUT_MS);
  const { name, sha256 } = archiveForThisPlatform(sums.toString('utf8'));
  const url = `${releases}/${RELEASE}/${name}`;
  const archive = await download(url, DOWNLOAD_TIMEOUT_MS);
  const found = createHash('sha256').update(archive).digest('hex');
  if (found !== sha256) throw new Error(`${name} has SHA-256 ${found}, SHA256SUMS says ${sha256}`);

  await mkdir(dirname(target), { recursive: true });
  const dir = await mkdtemp(join(dirname(target), 'release-'));
  try {
    const file = join(dir, name);
    await writeFile(file, archive);
    await promisify(execFile)('tar', ['-xf', file, '-C', dir]);
    const folder = name.replace(/\.(tar\.gz|zip)$/, '');
    const version = await installNatsServer(join(dir, folder, basename(target)), target);
    return { version, from: url };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The line of SHA256SUMS for this platform; a tar archive if there is one, for GNU tar reads no zip. */
function archiveForThisPlatform(sums: string): { name: string; sha256: string } {
  const platform = PLATFORMS[process.platform] ?? process.platform;
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const stem = `nats-server-${RELEASE}-${platform}-${architecture}`;
  for (const name of [`${stem}.tar.gz`, `${stem}.zip`]) {
    for (const line of sums.split('\n')) {
      const [sha256, file] = line.trim().split(/\s+\*?/);
      if (file === name && sha256 !== undefined) return { name, sha256: sha256.toLowerCase() };
    }
  }
  throw new Error(`${RELEASE} has no archive for ${platform} on ${architecture}`);
}

async function download(url: string, timeoutMs: number): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.cause ?? cause) : cause;
    throw new Error(`${url}: ${reason instanceof Error ? reason.message : String(reason)}`, {
      cause,
    });
  }
}
