import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkExecution } from '#src/cli/doctor/execution-checks.ts';
import type { Finding } from '#src/cli/doctor/finding.ts';
import { lookAtExecution } from '#src/cli/doctor/look-at-execution.ts';
import { loadConfig } from '#src/config.ts';
import { type HostileServer, serveHttp } from '../../support/hostile-servers.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';

const TOKEN = 'the-services-of-one-validator';

/** Everything that a validator runs submissions with, behind one address; the named paths answer otherwise. */
function serveAll(otherwise: Readonly<Record<string, number>> = {}): Promise<HostileServer> {
  return serveHttp((req, res) => {
    const path = req.url?.replace(/\?.*/, '') ?? '';
    const asksLedger = path === '/v1/internal/eval/job_ledger';
    const taken = req.headers.authorization === `Bearer ${TOKEN}`;
    const status = asksLedger ? (taken ? 404 : 401) : (otherwise[path] ?? 200);
    res.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
}

async function examine(
  server: HostileServer,
  changes: Readonly<Record<string, string>> = {},
  token = TOKEN,
): Promise<readonly Finding[]> {
  await using dir = await scratchDirectory();
  const file = join(dir.path, 'token');
  await writeFile(file, token, { mode: 0o600 });
  const url = server.url.replace(/\/$/, '');
  const config = loadConfig({
    EIREL_EXEC_MODE: 'local',
    EIREL_OWNER_URL: url,
    EIREL_LEDGER_URL: url,
    EIREL_PROXY_URL: url,
    EIREL_WEB_SEARCH_URL: url,
    EIREL_JUDGE_SERVICE_URL: url,
    EIREL_SERVICE_TOKEN_FILE: file,
    ...changes,
  });
  const facts = await lookAtExecution(config, new AbortController().signal);
  return facts === null ? [] : checkExecution(facts);
}

const statuses = (findings: readonly Finding[]) =>
  Object.fromEntries(findings.map(({ name, status }) => [name, status]));

const WELL = {
  runtime: 'ok',
  owner: 'ok',
  ledger: 'ok',
  proxy: 'ok',
  'web search': 'ok',
  token: 'ok',
  judge: 'ok',
};

test('where everything answers that submissions are run with, there is nothing to mend', async () => {
  await using server = await serveAll();
  const findings = await examine(server);
  expect(statuses(findings)).toEqual(WELL);
  for (const { mend } of findings) expect(mend).toBeNull();
});

test('a validator that imports its scores is asked for nothing of it', async () => {
  await using server = await serveAll();
  expect(await examine(server, { EIREL_EXEC_MODE: 'owner' })).toEqual([]);
});

const UNREACHABLE = 'http://127.0.0.1:9';

const FAULTS: readonly Readonly<{
  title: string;
  otherwise?: Readonly<Record<string, number>>;
  changes?: Readonly<Record<string, string>>;
  token?: string;
  finds: Readonly<Partial<Record<keyof typeof WELL, Finding['status']>>>;
}>[] = [
  {
    title: 'services that are not ready',
    otherwise: { '/readyz': 503 },
    finds: { ledger: 'fault', proxy: 'fault', 'web search': 'fault' },
  },
  {
    title: 'a ledger that is away, so nobody knows whether it takes the token',
    changes: { EIREL_LEDGER_URL: UNREACHABLE },
    finds: { ledger: 'fault', token: 'unknown' },
  },
  {
    title: "another validator's token",
    token: 'the-services-of-another-validator',
    finds: { token: 'fault' },
  },
  {
    title: 'a judge that is away',
    changes: { EIREL_JUDGE_SERVICE_URL: UNREACHABLE },
    finds: { judge: 'fault' },
  },
  {
    title: 'the judge of development',
    changes: { EIREL_JUDGE_SERVICE_URL: 'local' },
    finds: { judge: 'warning' },
  },
  {
    title: 'an owner that is away',
    changes: { EIREL_OWNER_URL: UNREACHABLE },
    finds: { owner: 'fault' },
  },
  {
    title: 'submissions that run without a sandbox',
    changes: { EIREL_RUNTIME: 'process', EIREL_ALLOW_PROCESS_RUNTIME: 'on' },
    finds: { runtime: 'warning' },
  },
];

test.for(FAULTS)(
  '$title is found, with what to do',
  async ({ otherwise, changes, token, finds }) => {
    await using server = await serveAll(otherwise);
    const findings = await examine(server, changes, token);
    expect(statuses(findings)).toEqual({ ...WELL, ...finds });
    for (const { name, status, mend } of findings)
      expect(mend === null, name).toBe(status === 'ok' || status === 'unknown');
  },
);
