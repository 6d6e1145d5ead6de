import { expect, test } from 'vitest';
import { encodeWeightsPayload } from '#src/chain/weights-payload.ts';

/** The chain's own reading of it is tested with the development chain. */
test('what a timelocked commit conceals is hotkey, uids, values and version key in SCALE', () => {
  const alice = 'd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
  const payload = encodeWeightsPayload({
    hotkey: Buffer.from(alice, 'hex'),
    uids: [7],
    values: [65_535],
    versionKey: 0n,
  });
  expect(Buffer.from(payload).toString('hex')).toBe(`80${alice}04070004ffff0000000000000000`);
});
