import { expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { startApp } from './client.ts';
import { alice, bob, emptyRun, FAMILY, fakeValidator, reportOf } from './fake-validator.ts';

const PATH = '/v1/consensus/scores/run-7';
const own = reportOf(alice, 'run-7', { [bob]: 900_000_000 });
const runs = { [`${FAMILY}/run-7`]: { ...emptyRun, reports: [reportOf(bob), own] } };

test("the validator's own report is served as the very bytes that it signed", async () => {
  await using app = await startApp(fakeValidator(runs));
  const reply = await app.ask(PATH);
  expect(reply.body).toEqual(own.bytes);
  expect(reply.headers).toMatchObject({
    'content-type': 'application/json',
    etag: `"${sha256(own.bytes)}"`,
    'cache-control': 'public, max-age=31536000, immutable',
  });
});

test('a report that is ready is looked up once, and then served as the same bytes', async () => {
  let lookUps = 0;
  const { signedReport } = fakeValidator(runs);
  await using app = await startApp(
    fakeValidator(runs, {
      signedReport: (family, run) => {
        lookUps += 1;
        return signedReport(family, run);
      },
    }),
  );
  for (let times = 0; times < 3; times++) expect((await app.ask(PATH)).body).toEqual(own.bytes);
  expect(lookUps).toBe(1);
});

test('a tag that the client has gives 304 without a body, however the tag is listed', async () => {
  await using app = await startApp(fakeValidator(runs));
  const etag = `"${sha256(own.bytes)}"`;
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, `"a",${etag},"b"`, '*']) {
    for (const method of ['GET', 'HEAD']) {
      const reply = await app.ask(PATH, { method, headers: { 'if-none-match': known } });
      expect([known, reply.status, reply.body.length]).toEqual([known, 304, 0]);
      expect(reply.headers['etag']).toBe(etag);
    }
  }
});

test('a tag of other bytes gives the whole report', async () => {
  await using app = await startApp(fakeValidator(runs));
  for (const known of ['"other"', sha256(own.bytes), '', `"${sha256(own.bytes)}x"`]) {
    const reply = await app.ask(PATH, { headers: { 'if-none-match': known } });
    expect([known, reply.status]).toEqual([known, 200]);
  }
});

test('a sealed run is 425 with the block to wait for, and opens without a restart', async () => {
  const sealed: Record<string, typeof emptyRun> = {
    [`${FAMILY}/run-7`]: { ...emptyRun, sealedUntil: 1_234, reports: [own] },
  };
  await using app = await startApp(fakeValidator(sealed));
  const early = await app.ask(PATH);
  expect(early).toMatchObject({
    status: 425,
    headers: { 'retry-after': '12', 'cache-control': 'no-store' },
  });
  expect(early.json()).toEqual({
    type: 'tag:eirel.network,2026:request.too-early',
    title: 'Sealed until a later block',
    status: 425,
    detail: 'run-7 of general_chat is sealed until block 1234 is finalised.',
    instance: PATH,
    field: 'run_id',
    value: 'run-7',
    expected: 'finalised block 1234',
    untilBlock: 1_234,
  });
  expect(early.text).not.toContain(own.digest);

  sealed[`${FAMILY}/run-7`] = { ...emptyRun, reports: [own] };
  expect((await app.ask(PATH)).body).toEqual(own.bytes);
});

test('an unknown run is 404 and not kept: it is served once it is there', async () => {
  const later: Record<string, typeof emptyRun> = {};
  await using app = await startApp(fakeValidator(later));
  const missing = await app.ask(PATH);
  expect(missing.status).toBe(404);
  expect(missing.json()).toMatchObject({ reason: 'unknown-run', field: 'run_id', value: 'run-7' });
  later[`${FAMILY}/run-7`] = { ...emptyRun, reports: [own] };
  expect((await app.ask(PATH)).status).toBe(200);
});

test('two families of one run never get each other’s report', async () => {
  const other = reportOf(alice, 'run-7', { [alice]: 1 });
  await using app = await startApp(
    fakeValidator({ ...runs, 'deep_research/run-7': { ...emptyRun, reports: [other] } }),
  );
  for (let times = 0; times < 2; times++) {
    expect((await app.ask(PATH)).body).toEqual(own.bytes);
    expect((await app.ask(`${PATH}?family=deep_research`)).body).toEqual(other.bytes);
  }
});
