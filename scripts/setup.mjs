// Brings what `npm start` and `npm test` need, and does nothing that is done already: the npm packages, the
// pinned Node runtime among them, a nats-server, and the bundle of the audit page. Runs on Node 18 and later,
// before there is any dependency.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');
const STAMP = join(ROOT, 'node_modules', '.eirel-setup.json');
const WINDOWS = process.platform === 'win32';
const NODE = join(BIN, WINDOWS ? 'node.cmd' : 'node');

const COMPILE_HINT = `If it was sqlite3: where no prebuilt file can be fetched it is compiled, which needs Python 3, make, a C++
compiler (on Debian and Ubuntu the packages python3, make and g++) and Node's headers. Install them, then run
"node scripts/setup.mjs" again.`;

// npm removes node_modules while it runs: it must not run on the Node from there, which npm scripts put first.
const env = { ...process.env, PATH: outsideProject(process.env.PATH ?? '') };

try {
  step('npm packages', installPackages);
  step('Node runtime', checkRuntime);
  step('nats-server', provideNatsServer);
  step('audit page', buildAuditPage);
} catch (error) {
  console.error(`setup: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

function step(name, run) {
  const start = performance.now();
  const result = run();
  console.log(`setup: ${name}: ${result} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}

function installPackages() {
  const wanted = JSON.stringify({
    lock: createHash('sha256')
      .update(readFileSync(join(ROOT, 'package-lock.json')))
      .digest('hex'),
    platform: process.platform,
    arch: process.arch,
  });
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return 'as locked';
  const headers = headersPrefix();
  console.log(
    'setup: npm packages: running npm ci; sqlite3 may be compiled, which takes a minute or two',
  );
  try {
    // As many compilers as processors: the addon's files are compiled side by side, after SQLite itself.
    const install = { ...env, JOBS: env.JOBS ?? 'max' };
    run(
      'npm',
      ['ci'],
      headers === undefined ? install : { ...install, npm_config_nodedir: headers },
    );
    run(NODE, ['-e', "require('sqlite3')"], env);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n${COMPILE_HINT}`, { cause: error });
  }
  writeFileSync(STAMP, wanted);
  return 'installed';
}

/** Where this machine has Node's C headers, so that compiling sqlite3 does not have to download them. */
function headersPrefix() {
  if (env.npm_config_nodedir) return undefined;
  const nodes = [process.execPath, process.env.npm_node_execpath];
  for (const folder of env.PATH.split(delimiter)) nodes.push(join(folder, 'node'));
  const prefixes = nodes.filter(Boolean).map((node) => dirname(dirname(node)));
  return prefixes.find((prefix) => existsSync(join(prefix, 'include', 'node', 'node.h')));
}

function checkRuntime() {
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).dependencies.node;
  const { stdout } = spawn(NODE, ['--version'], { encoding: 'utf8' });
  const found = (stdout ?? '').trim().replace(/^v/, '');
  if (found === wanted) return `v${found}`;
  throw new Error(
    `node_modules/.bin/node is ${found || 'missing'}, expected ${wanted}. Remove node_modules and run "node scripts/setup.mjs" again.`,
  );
}

function provideNatsServer() {
  run(NODE, [join(ROOT, 'scripts', 'nats-server.ts')], env);
  return 'ready';
}

function buildAuditPage() {
  run(NODE, [join(ROOT, 'scripts', 'build-audit-page.ts')], env);
  return 'ready';
}

function run(command, args, environment) {
  const { status, signal, error } = spawn(command, args, { stdio: 'inherit', env: environment });
  if (error !== undefined) throw new Error(`${command} can't be run: ${error.message}`);
  if (status === 0) return;
  throw new Error(`"${command} ${args.join(' ')}" ended with ${signal ?? `exit code ${status}`}`);
}

function spawn(command, args, options) {
  return spawnSync(command, args, { cwd: ROOT, shell: WINDOWS, ...options });
}

function outsideProject(path) {
  const inside = join('node_modules', '.bin');
  return path
    .split(delimiter)
    .filter((folder) => !folder.endsWith(inside))
    .join(delimiter);
}
