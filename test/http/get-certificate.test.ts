import { expect, test } from 'vitest';
import { encodeBytes, type Json } from '#src/events/ej1.ts';
import type { RunCertificate } from '#src/http/get-certificate.ts';
import { startApp } from './client.ts';
import { emptyRun, FAMILY, fakeValidator } from './fake-validator.ts';
import { certificate } from './records.ts';

const PATH = '/v1/consensus/certificates/run-7';

function validatorWith(certificate: RunCertificate) {
  return fakeValidator({ [`${FAMILY}/run-7`]: { ...emptyRun, certificate } });
}

test('a certificate is served as its EJ1 bytes, for ever', async () => {
  const bytes = encodeBytes(certificate as Json); // safe: its schema is JSON
  await using app = await startApp(validatorWith({ kind: 'ready', bytes }));
  const reply = await app.ask(PATH);
  expect(reply.body).toEqual(bytes);
  expect(reply.headers['cache-control']).toContain('immutable');
  const again = await app.ask(PATH, { headers: { 'if-none-match': reply.headers['etag'] ?? '' } });
  expect(again.status).toBe(304);
});

test('a certificate that may still come, one that never will and an unknown run are told apart', async () => {
  const cases: [RunCertificate, string, RegExp][] = [
    [{ kind: 'pending', certifyBlock: 400 }, 'none-yet', /until block 400/],
    [{ kind: 'missed', block: 400 }, 'missed', /Block 400 was finalised without/],
    [{ kind: 'unknown' }, 'unknown-run', /Nothing is held/],
  ];
  for (const [answer, reason, detail] of cases) {
    await using app = await startApp(validatorWith(answer));
    const reply = await app.ask(PATH);
    expect(reply.status).toBe(404);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(reply.json()).toMatchObject({ reason, detail: expect.stringMatching(detail) });
  }
});
