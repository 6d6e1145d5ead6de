import { expect, test } from 'vitest';
import { decodeBytes, encode, type Json } from '#src/events/ej1.ts';
import { startApp } from './client.ts';
import { alice, bob, emptyRun, FAMILY, fakeValidator, statementOf } from './fake-validator.ts';
import { decisionRecord, inputsRecord } from './records.ts';

const PATH = '/v1/consensus/decisions/run-7';
const committed = { block: 190, digest: 'ab'.repeat(32) };
const commitments = [{ hotkey: bob, first: committed, second: { ...committed, block: 191 } }];
const statements = [statementOf(alice), statementOf(bob)];

test('decision and inputs come as the EJ1 text whose digests were signed, with the statements as they are', async () => {
  const decision = { commitments, decision: decisionRecord, inputs: inputsRecord, statements };
  await using app = await startApp(
    fakeValidator({ [`${FAMILY}/run-7`]: { ...emptyRun, decision } }),
  );
  const reply = await app.ask(PATH);
  expect(decodeBytes(reply.body)).toEqual({
    commitments,
    decision: decisionRecord,
    family: FAMILY,
    inputs: inputsRecord,
    run: 'run-7',
    statements: statements.map((bytes) => decodeBytes(bytes)),
  });
  // safe: both are JSON by their schemas
  expect(reply.text).toContain(encode(decisionRecord as Json));
  expect(reply.text).toContain(encode(inputsRecord as Json)); // safe: as above
  for (const bytes of statements) expect(reply.body.includes(Buffer.from(bytes))).toBe(true);
});

test("peers' statements are shown before there is a decision of our own", async () => {
  const decision = {
    commitments: null,
    decision: null,
    inputs: null,
    statements: statements.slice(1),
  };
  await using app = await startApp(
    fakeValidator({ [`${FAMILY}/run-7`]: { ...emptyRun, decision } }),
  );
  const reply = await app.ask(PATH);
  expect(reply.json()).toMatchObject({
    commitments: null,
    decision: null,
    inputs: null,
    statements: [{ hotkey: bob }],
  });
});

test('a run without decision and statement is 404', async () => {
  await using app = await startApp(fakeValidator({ [`${FAMILY}/run-7`]: emptyRun }));
  const reply = await app.ask(PATH);
  expect(reply.json()).toMatchObject({ status: 404, reason: 'none-yet', value: 'run-7' });
});

test('the tag changes with a further statement', async () => {
  const runs: Record<string, typeof emptyRun> = {};
  const hold = (count: number) => {
    const decision = {
      commitments: null,
      decision: null,
      inputs: null,
      statements: statements.slice(0, count),
    };
    runs[`${FAMILY}/run-7`] = { ...emptyRun, decision };
  };
  await using app = await startApp(fakeValidator(runs));
  hold(1);
  const etag = (await app.ask(PATH)).headers['etag'] ?? '';
  expect((await app.ask(PATH, { headers: { 'if-none-match': etag } })).status).toBe(304);
  hold(2);
  expect((await app.ask(PATH, { headers: { 'if-none-match': etag } })).status).toBe(200);
});
