import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { findNatsServer } from '#src/runtime/nats-server.ts';
import { localServerConfig } from '#src/runtime/nats-server-config.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { testAccount } from '../support/nats-server.ts';
import { endGroup, ROOT, settings } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const page = await readFile(join(ROOT, 'docs/operating.md'), 'utf8');
const [conf, ownerConf] = await Promise.all([
  readFile(join(ROOT, 'deploy/nats-server.conf'), 'utf8'),
  readFile(join(ROOT, 'deploy/owner-nats-server.conf'), 'utf8'),
]);

/** The commands of the page's section on starting, without the list's indentation. */
const section = page.slice(page.indexOf('\n## Start\n'), page.indexOf('\n## A run\n'));
const steps = [...section.matchAll(/^ {3}```sh\n(.*?)^ {3}```$/gms)].map(([, text = '']) =>
  text.replaceAll(/^ {3}/gm, ''),
);

/** What `eirel doctor` looks at; on disk and server it may only warn. */
const DOCTOR = 'settings key node clock registration permit stake weights limits axon stream'.split(
  ' ',
);

/** The ports that the page and the configuration name. */
const PORTS = '4222 8222 4223 8223 8787 8790 9944 8092 8093 8085 8087 8088 8091'.split(' ');

/** Settings whose defaults the page relies on, and which name a port. */
const DEFAULTS = {
  EIREL_LEDGER_URL: 'http://127.0.0.1:8093',
  EIREL_WEB_SEARCH_PORT: '8085',
  EIREL_URL_FETCH_PORT: '8087',
  EIREL_RAG_PORT: '8088',
  EIREL_SANDBOX_PORT: '8091',
};

test('the documented steps, as they stand, end in a validator that is ready and a run with a score', {
  timeout: PROCESS_TEST_TIMEOUT_MS,
}, async () => {
  await using home = await scratchDirectory();
  const moved = await toFreePorts();
  await writeFile(join(home.path, 'nats-server.conf'), moved(conf));
  await writeFile(join(home.path, 'owner-nats-server.conf'), moved(ownerConf));
  expect(steps).toHaveLength(8);
  const script = moved(steps.join('\n')).replaceAll(
    /deploy\/((?:owner-)?nats-server\.conf)/g,
    join(home.path, '$1'),
  );

  const { path } = await findNatsServer(process.env);
  // A group of its own, which the servers that the steps start belong to.
  const child = spawn('sh', ['-ec', script], {
    cwd: ROOT,
    env: {
      ...settings(),
      ...Object.fromEntries(Object.entries(DEFAULTS).map(([name, text]) => [name, moved(text)])),
      HOME: home.path,
      PATH: [dirname(path), process.env['PATH'] ?? ''].join(delimiter),
    },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const closed = [child.stdout, child.stderr].map((stream) => {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    return once(stream, 'close');
  });
  try {
    const [code] = await once(child, 'exit');
    expect(code, output).toBe(0);
    expect(output).toContain('stream validator: created');
    expect(output).toContain('stream ledger: created');
    expect(output).toContain('stream owner: created');
    expect(output).toContain('tasks 6, published true');
    expect(output).toContain('{"run_id":null,"weights":{},"family_winners":[],"ready":false}');
    expect(output).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+ since block [0-9]+$/m);
    for (const checked of DOCTOR) expect(output).toMatch(new RegExp(`^ok +${checked} `, 'm'));
    expect(output).not.toMatch(/^(FAULT|unknown) /m);
    expect(output).toContain('1 lines imported, 0 were there before, 0 refused');
    expect(output).toMatch(/run\.opened\.v1 +general_chat\/run-1/);
    expect(output).toMatch(/score\.recorded\.v1 +general_chat\/run-1/);
    const validator = await fetch(moved('http://127.0.0.1:8787/readyz'));
    expect(validator.status, await validator.text()).toBe(200);
  } finally {
    endGroup(child.pid ?? 0, 'SIGTERM');
    await Promise.all(closed);
  }
});

/** Puts free ports in the place of those that are named. */
async function toFreePorts(): Promise<(text: string) => string> {
  const free = await Promise.all(PORTS.map(freePort));
  return (text) =>
    PORTS.reduce(
      (now, port, index) => now.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), `${free[index]}`),
      text,
    );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  server.close();
  await once(server, 'close');
  return port;
}

const Config = z.object({
  accounts: z.record(
    z.string(),
    z.object({
      users: z.array(
        z.object({ user: z.string(), permissions: z.record(z.string(), z.unknown()).optional() }),
      ),
    }),
  ),
});

test.for([
  { log: 'validator', documented: 4, prefix: '' },
  { log: 'ledger', documented: 2, prefix: 'ledger-' },
  { log: 'owner', documented: 3, prefix: 'owner-' },
] as const)(
  'the documented server gives each user of the $log exactly the permissions that the tests attack',
  ({ log, documented, prefix }) => {
    const config = localServerConfig({ storeDir: '', accounts: [testAccount(log, [log])] });
    const users = Config.parse(JSON.parse(config)).accounts[log]?.users ?? [];
    const ofPage = [conf, ownerConf].flatMap((text) => text.split(/\buser: /));
    let compared = 0;
    for (const { user, permissions } of users) {
      const name = user.replace(`${log}_`, prefix);
      const found = ofPage.find((text) => text.startsWith(`${name},`));
      if (found === undefined) continue;
      compared += 1;
      expect(sides(found), name).toEqual(
        sides(
          JSON.stringify(permissions ?? {}).replaceAll(`_INBOX_${log}_`, `_INBOX_${prefix}`),
        ).map(withoutAbsent),
      );
    }
    expect(compared).toBe(documented);
  },
);

/** The subjects that may be published to, and those that may be listened to. */
function sides(text: string): readonly (readonly (string | undefined)[])[] {
  return text
    .split(/"?\bsubscribe"?:/)
    .map((side) =>
      [...side.replaceAll(/"(publish|allow)":/g, '').matchAll(/"([^"]+)"/g)].map(
        ([, found]) => found,
      ),
    );
}

/** The documented ledger has no operator, so nobody's inbox to answer to. */
function withoutAbsent(subjects: readonly (string | undefined)[]) {
  return subjects.filter((subject) => subject !== '_INBOX_ledger-operator.>');
}
