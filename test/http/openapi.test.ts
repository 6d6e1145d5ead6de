import { expect, test } from 'vitest';
import { z } from 'zod';
import { encodeBytes, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { createApp } from '#src/http/app.ts';
import { openApiPath } from '#src/http/openapi.ts';
import { type Reply, startApp } from './client.ts';
import {
  alice,
  bob,
  emptyRun,
  evidence,
  evidenceFile,
  FAMILY,
  fakeValidator,
  reportOf,
  SOURCE,
  statementOf,
} from './fake-validator.ts';
import { certificate, decisionRecord, inputsRecord } from './records.ts';

/** As much of OpenAPI as these tests read. */
const Media = z.object({
  schema: z.union([z.object({ $ref: z.string() }), z.object({ type: z.literal('string') })]),
});
const Operation = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean() })),
  requestBody: z
    .object({ required: z.literal(true), content: z.record(z.string(), Media) })
    .optional(),
  responses: z.record(z.string(), z.object({ content: z.record(z.string(), Media).optional() })),
});
const Path = z.strictObject({ get: Operation.optional(), post: Operation.optional() });
const OpenApi = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), Path),
  components: z.object({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});
type OpenApi = z.infer<typeof OpenApi>;

const digest = reportOf(alice).digest;
const runs = {
  [`${FAMILY}/run-7`]: {
    ...emptyRun,
    reports: [reportOf(alice, 'run-7', { [bob]: 1 }), reportOf(alice), reportOf(bob)],
    decision: {
      commitments: [],
      decision: decisionRecord,
      inputs: inputsRecord,
      statements: [statementOf(alice)],
    },
    certificate: { kind: 'ready', bytes: encodeBytes(certificate as Json) }, // safe: its schema is JSON
  },
  [`${FAMILY}/run-8`]: {
    ...emptyRun,
    sealedUntil: 9,
    decision: { commitments: null, decision: null, inputs: null, statements: [] },
  },
} as const;

/** A value for each segment of a path that a client fills in. */
const segments: Readonly<Record<string, string>> = {
  run_id: 'run-7',
  tile: '0/001.p/1',
  n: '256',
  origin_hash: sha256(SOURCE),
  digest: evidence.digest,
};

/** A path of the document as a client asks for it, with other segments where they are given. */
function realPath(path: string, others: Readonly<Record<string, string>> = {}): string {
  return path.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => {
    return others[name] ?? segments[name] ?? '';
  });
}

async function describedBy(app: { ask: (path: string) => Promise<Reply> }): Promise<OpenApi> {
  return OpenApi.parse((await app.ask('/openapi.json')).json());
}

test('the document has every route of the app and no other', async () => {
  const deps = fakeValidator();
  await using app = await startApp(deps);
  const { paths } = await describedBy(app);
  // safe: a layer of express's router has the route that it was made for, or none
  const stack = createApp(deps).router.stack as unknown as readonly { route?: { path: string } }[];
  const routes = stack.flatMap(({ route }) =>
    route === undefined ? [] : [openApiPath(route.path)],
  );
  expect(Object.keys(paths)).toEqual(routes);
  expect(routes).toHaveLength(24);
});

test('every path segment and query parameter is described, and a described one is accepted', async () => {
  await using app = await startApp(fakeValidator(runs));
  const { paths } = await describedBy(app);
  const run = '/v1/consensus';
  expect(
    Object.entries(paths).map(([path, { get, post }]) => [
      path,
      ...(get?.parameters ?? []).map(
        ({ name, in: place, required }) => `${place} ${name} ${required}`,
      ),
      ...(post === undefined ? [] : ['post']),
    ]),
  ).toEqual([
    [`${run}/scores/{run_id}`, 'path run_id true', 'query family false'],
    [
      `${run}/reports/{run_id}`,
      'path run_id true',
      'query family false',
      'query view false',
      'query digest false',
    ],
    [`${run}/decisions/{run_id}`, 'path run_id true', 'query family false'],
    [`${run}/certificates/{run_id}`, 'path run_id true', 'query family false'],
    [`${run}/divergence`, 'query family false', 'query window false'],
    ['/v1/log/events', 'query from false', 'query limit false'],
    ['/log/checkpoint'],
    ['/log/tile/{tile}', 'path tile true'],
    ['/log/proof/{n}', 'path n true'],
    ['/log/.well-known/eirel-log.json'],
    ['/bundle/{run_id}', 'path run_id true', 'query family false'],
    ['/witness/{origin_hash}/checkpoint', 'path origin_hash true'],
    ['/witness/add-checkpoint', 'post'],
    ['/v1/evidence', 'query view false', 'post'],
    ['/v1/evidence/{digest}', 'path digest true'],
    ['/audit', 'query log false'],
    ...['/audit/audit.css', '/audit/audit.js', '/audit/verifier.js'].map((path) => [path]),
    ...['/v1/status', '/livez', '/readyz', '/metrics', '/openapi.json'].map((path) => [path]),
  ]);
  const log = 'https://validator.example/log';
  const places = { window: '5', from: '0', limit: '5' };
  const samples = { family: FAMILY, view: 'index', digest, log, ...places };
  for (const [path, { get }] of Object.entries(paths)) {
    if (get === undefined) continue;
    for (const [name, value] of Object.entries(samples)) {
      const reply = await app.ask(`${realPath(path)}?${name}=${value}`);
      const described = get.parameters.some(
        (parameter) => parameter.in === 'query' && parameter.name === name,
      );
      expect([path, name, reply.status]).toEqual([path, name, described ? 200 : 400]);
    }
  }
});

test('real responses of every route, good and bad, are as the document says', async () => {
  await using app = await startApp(fakeValidator(runs));
  await using broken = await startApp(brokenValidator());
  const description = await describedBy(app);
  const seen = new Set<string>();
  const reading = Object.entries(description.paths).filter(([, { get }]) => get !== undefined);
  for (const [path] of reading) {
    const real = realPath(path);
    const replies = [
      await app.ask(real),
      await app.ask(`${real}?view=index`),
      await app.ask(`${real}?digest=${digest}`),
      await app.ask(`${real}?unknown=1`),
      await app.ask(realPath(path, { run_id: 'run-07', digest: 'x', n: '01', origin_hash: 'x' })),
      await app.ask(realPath(path, { run_id: 'run-8', tile: '0/002', n: '257' })),
      await app.ask(realPath(path, { run_id: 'run-9', digest, origin_hash: digest })),
      await app.ask(real, { headers: { 'if-none-match': '*' } }),
      await broken.ask(real),
    ];
    for (const reply of replies) {
      seen.add(`${path} ${reply.status}`);
      expectDescribed(description, 'get', path, reply);
    }
  }
  for (const noun of ['/v1/consensus/scores', '/v1/consensus/reports', '/bundle']) {
    for (const status of [200, 304, 400, 404, 425, 500]) {
      expect(seen).toContain(`${noun}/{run_id} ${status}`);
    }
  }
  for (const path of ['/log/proof/{n}', '/witness/{origin_hash}/checkpoint']) {
    for (const status of [200, 304, 400, 404]) expect(seen).toContain(`${path} ${status}`);
  }
  for (const [path] of reading) expect(seen).toContain(`${path} 200`);
  expect(seen).toContain('/readyz 503');
});

test('what is sent, and every answer to it, is as the document says', async () => {
  const answers: readonly Partial<ReturnType<typeof fakeValidator>>[] = [
    {},
    {
      addCheckpoint: async () => ({ kind: 'refused', refusal: { status: 409, size: 7 } }),
      offerEvidence: async () => ({ kind: 'busy' }),
    },
    ...([400, 403, 404, 422] as const).map((status) => ({
      addCheckpoint: async () => ({
        kind: 'refused' as const,
        refusal: { status, detail: 'a reason' },
      }),
      offerEvidence: async () => ({
        kind: 'refused' as const,
        reason: 'signature',
        detail: 'a reason',
      }),
    })),
  ];
  const seen = new Set<string>();
  for (const overrides of answers) {
    await using app = await startApp(fakeValidator(runs, overrides));
    const description = await describedBy(app);
    const sending = Object.entries(description.paths).filter(([, { post }]) => post !== undefined);
    for (const [path, { post }] of sending) {
      const [type = ''] = Object.keys(post?.requestBody?.content ?? {});
      for (const [body, contentType] of [
        [evidence.bytes, type],
        [evidenceFile('another').bytes, type],
        [Buffer.alloc(100_000), type],
        [evidence.bytes, 'image/png'],
      ] as const) {
        const headers = { 'content-type': contentType };
        const reply = await app.ask(path, { method: 'POST', body, headers });
        seen.add(`${path} ${reply.status}`);
        expectDescribed(description, 'post', path, reply);
      }
    }
  }
  for (const status of [200, 201, 413, 415, 422, 429]) {
    expect(seen).toContain(`/v1/evidence ${status}`);
  }
  for (const status of [200, 400, 403, 404, 409, 413, 422]) {
    expect(seen).toContain(`/witness/add-checkpoint ${status}`);
  }
});

test('the document refuses a response with a member too many, too few or of another form', async () => {
  await using app = await startApp(fakeValidator(runs));
  const { components } = await describedBy(app);
  const path = '/v1/consensus/scores/run-7';
  const report = z.record(z.string(), z.unknown()).parse((await app.ask(path)).json());
  const schema = z.fromJSONSchema(components.schemas['SignedReport'] ?? {});
  const { signature, ...unsigned } = report;
  expect(schema.safeParse(report).success).toBe(true);
  expect(schema.safeParse(unsigned).success).toBe(false);
  expect(schema.safeParse({ ...report, more: 1 }).success).toBe(false);
  expect(schema.safeParse({ ...report, signature: `${String(signature)}0` }).success).toBe(false);
});

function brokenValidator() {
  const fail = async (): Promise<never> => {
    throw new Error('broken');
  };
  return fakeValidator(
    {},
    {
      signedReport: fail,
      reports: fail,
      decision: fail,
      certificate: fail,
      divergence: fail,
      events: fail,
      publishedLog: { checkpoint: () => ({ size: 257, note: Buffer.from('') }), file: fail },
      logDescription: fail,
      bundle: fail,
      witnessedCheckpoint: fail,
      evidenceIndex: fail,
      evidence: fail,
      status: fail,
      readiness: async () => [{ name: 'log', ok: false, detail: 'no answer' }],
    },
  );
}

function expectDescribed(
  { paths, components }: OpenApi,
  method: 'get' | 'post',
  path: string,
  reply: Reply,
): void {
  const at = `${path} ${reply.status}: ${reply.text.slice(0, 200)}`;
  const response = paths[path]?.[method]?.responses[String(reply.status)];
  expect(response, at).toBeDefined();
  if (response?.content === undefined) {
    expect(reply.body, at).toHaveLength(0);
    return;
  }
  const [type] = (reply.headers['content-type'] ?? '').split(';');
  const media = response.content[type ?? ''];
  expect(media, at).toBeDefined();
  if (media === undefined || !('$ref' in media.schema)) return;
  const schema = components.schemas[media.schema.$ref.replace('#/components/schemas/', '')];
  expect(schema, at).toBeDefined();
  const parsed = z.fromJSONSchema(schema ?? {}).safeParse(reply.json());
  expect(parsed.error === undefined ? [] : [at, z.prettifyError(parsed.error)]).toEqual([]);
}
