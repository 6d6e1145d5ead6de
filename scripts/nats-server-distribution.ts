import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type AptSource, aptSources } from './apt-sources.ts';
import { installNatsServer } from './nats-server-cache.ts';

/** An index of about ten megabytes over a slow line. */
const APT_TIMEOUT_MS = 300_000;

/** A stable release's nats-server is too old; the development suite of the same archive has a current one. */
const ARCHIVES = [
  {
    distribution: 'debian',
    suite: 'sid',
    component: 'main',
    keyrings: ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp'],
  },
  {
    distribution: 'ubuntu',
    suite: 'devel',
    component: 'universe',
    keyrings: ['ubuntu-archive-keyring.gpg'],
  },
] as const;

/** Sources of other publishers may share the release's name, but never its signing key: apt refuses them. */
const RELEASE_ALIASES = ['stable', 'oldstable', 'testing', 'unstable', 'sid', 'devel'];

/**
 * Downloads the distribution's own nats-server package with apt, without root and without touching the
 * system: state, cache and sources are in a folder that is removed afterwards. The mirror is the one that
 * this machine uses, the signature is checked against the distribution's keyring. Throws when that fails.
 */
export async function fetchFromDistribution(
  target: string,
): Promise<{ version: string; from: string }> {
  const release = osRelease(await readFile('/etc/os-release', 'utf8'));
  const archive = ARCHIVES.find(({ distribution }) => release.ids.includes(distribution));
  if (archive === undefined) throw new Error(`no known package for ${release.ids.join(', ')}`);
  const keyring = await firstExisting(
    archive.keyrings.map((name) => `/usr/share/keyrings/${name}`),
  );
  const mirrors = mirrorsOf(await aptSources('/etc/apt'), release.codename);
  if (mirrors.length === 0) throw new Error('the apt sources of this machine name no mirror');

  const failures: unknown[] = [];
  for (const mirror of mirrors) {
    const source = `deb [signed-by=${keyring}] ${mirror} ${archive.suite} ${archive.component}`;
    try {
      const version = await downloadFrom(source, target);
      return { version, from: `${mirror} ${archive.suite}` };
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, failures.map(String).join('\n'));
}

/** The mirrors of this machine for the release that it runs, its own release's name first. */
export function mirrorsOf(
  sources: readonly AptSource[],
  codename: string | undefined,
): readonly string[] {
  const names = codename === undefined ? RELEASE_ALIASES : [codename, ...RELEASE_ALIASES];
  const uris = names.flatMap((name) =>
    sources
      .filter(({ suites, components }) => suites.includes(name) && components.includes('main'))
      .flatMap((source) => source.uris),
  );
  return [...new Set(uris)].filter((uri) => !uri.startsWith('cdrom:'));
}

async function downloadFrom(source: string, target: string): Promise<string> {
  await mkdir(dirname(target), { recursive: true });
  const root = await mkdtemp(join(dirname(target), 'apt-'));
  try {
    const env = { ...process.env, LC_ALL: 'C', APT_CONFIG: await privateApt(root, source) };
    const options = { cwd: root, env, timeout: APT_TIMEOUT_MS };
    const run = promisify(execFile);
    await run('apt-get', ['--quiet', '--error-on=any', 'update'], options);
    await run('apt-get', ['--quiet', 'download', 'nats-server'], options);
    const file = (await readdir(root)).find((name) => name.endsWith('.deb'));
    if (file === undefined) throw new Error('apt-get downloaded no package');
    await run('dpkg-deb', ['--extract', file, 'package'], options);
    const folders = ['usr/bin', 'usr/sbin'].map((f) => join(root, 'package', f, 'nats-server'));
    return await installNatsServer(await firstExisting(folders), target);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Lays out an apt of our own below `root` and gives its configuration file. */
async function privateApt(root: string, source: string): Promise<string> {
  for (const folder of ['none', 'state/lists/partial', 'cache/archives/partial']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await writeFile(join(root, 'status'), '');
  await writeFile(join(root, 'sources.list'), `${source}\n`);
  // apt reads APT_CONFIG first and then these places. The way to the mirror and how old its index may be (a
  // frozen mirror's is old) stay as this machine's administrator has set them; signatures are always checked.
  const { stdout } = await promisify(execFile)('apt-config', ['dump']);
  const inherited = stdout
    .split('\n')
    .filter((line) => /^Acquire::(https?::|Check-Valid-Until |Check-Date )/.test(line));
  const settings = {
    'Dir::Etc::main': join(root, 'none', 'apt.conf'),
    'Dir::Etc::parts': join(root, 'none'),
    'Dir::Etc::sourcelist': join(root, 'sources.list'),
    'Dir::Etc::sourceparts': join(root, 'none'),
    'Dir::Etc::preferences': join(root, 'none', 'preferences'),
    'Dir::Etc::preferencesparts': join(root, 'none'),
    'Dir::Etc::trusted': join(root, 'none', 'trusted.gpg'),
    'Dir::Etc::trustedparts': join(root, 'none'),
    'Dir::State': join(root, 'state'),
    'Dir::State::status': join(root, 'status'),
    'Dir::Cache': join(root, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::AllowWeakRepositories': 'false',
    'Acquire::AllowDowngradeToInsecureRepositories': 'false',
    'APT::Get::AllowUnauthenticated': 'false',
    // As root, apt would drop to a user that may not be allowed into this folder.
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${JSON.stringify(value)};`);
  const file = join(root, 'apt.conf');
  await writeFile(file, `${[...inherited, ...lines].join('\n')}\n`);
  return file;
}

/** The distribution's own name and those that it derives from, and the name of its release. */
function osRelease(text: string): { ids: readonly string[]; codename: string | undefined } {
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1];
  const ids = `${value('ID') ?? ''} ${value('ID_LIKE') ?? ''}`.split(' ').filter((id) => id !== '');
  return { ids, codename: value('UBUNTU_CODENAME') ?? value('VERSION_CODENAME') };
}

async function firstExisting(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  throw new Error(`none of these files exists: ${paths.join(', ')}`);
}
