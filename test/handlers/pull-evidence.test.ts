import { expect, test } from 'vitest';
import { encode } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Fetch, Fetched, Peer } from '#src/handlers/ask-peers.ts';
import { pullEvidence } from '#src/handlers/exchange-evidence.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const FILE = 'what proves it';
const DIGEST = sha256(FILE);
const ACCUSED = hotkeyOf('accused');
const INDEX = encode({ evidence: [{ digest: DIGEST, hotkey: ACCUSED, kind: 'report' }] });

const peer = (name: string): Peer => ({ hotkey: hotkeyOf(name), axon: `http://${name}.test` });
const [cheat, honest] = [peer('cheat'), peer('honest')];
const body = (text: string): Fetched => ({ kind: 'ok', status: 200, body: Buffer.from(text) });

/** All peers list the file; the honest one gives it once `served` resolves, the cheat what `lie` gives. */
function pulled(lie: () => Promise<string>, served: Promise<void>) {
  const fetch: Fetch = async (url) => {
    if (url.endsWith('view=index')) return body(INDEX);
    if (url.startsWith(cheat.axon)) return body(await lie());
    await served;
    return body(FILE);
  };
  const request = { peers: [cheat, honest], voters: new Set([ACCUSED]), held: [] };
  return pullEvidence(request, { fetch, signal: new AbortController().signal });
}

test('a peer that gives another file under a digest keeps nobody from the right one', async () => {
  const lied = Promise.withResolvers<void>();
  const lie = async (): Promise<string> => {
    setImmediate(lied.resolve);
    return 'nothing at all';
  };
  expect(await pulled(lie, lied.promise)).toEqual([FILE]);
});

test('a peer that takes its time with a file keeps nobody from asking another', async () => {
  const given = Promise.withResolvers<void>();
  const lie = async (): Promise<string> => {
    await given.promise;
    return FILE;
  };
  const files = pulled(lie, Promise.resolve());
  setImmediate(given.resolve);
  expect(await files).toEqual([FILE]);
});
