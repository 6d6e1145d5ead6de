import { formatBundle } from '#src/audit/bundle.ts';
import type { BundleExpectations } from '#src/audit/bundle-step.ts';
import { checkBundle, isClean } from '#src/audit/check-bundle.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { anchorPayload, commitmentPayload, commitmentV2 } from '#src/consensus/commitment.ts';
import { commitmentKey } from '#src/consensus/commitment-proof.ts';
import { EMPTY } from '#src/events/decode.ts';
import { type Head, seal } from '#src/events/envelope.ts';
import { leafHash, sha256 } from '#src/events/hash.ts';
import { sealFact } from '#src/events/seal-box.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { cosign, cosignerKey } from '#src/merkle/cosignature.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { formatNote, parseNote } from '#src/merkle/signed-note.ts';
import { formatPolicy, type Policy } from '#src/merkle/tlog-policy.ts';
import { formatTlogProof } from '#src/merkle/tlog-proof.ts';
import { type Hash, hexOf, leafOf } from '#src/merkle/tree.ts';
import { MAX_SERVED_SIGNATURES } from '#src/sequencer/sequencer.ts';
import { devSigner } from '../support/dev-keys.ts';
import { logSeedOf, logStarted } from '../support/log-start.ts';
import { naiveTree } from '../support/naive-tree.ts';
import { provedCommitment } from '../support/proved-commitment.ts';
import { signedCommitment } from '../support/signed-commitment.ts';
import { milliseconds, repeat } from './measure.ts';
import { expectation, signedReport } from './reports.ts';
import { type Benchmark, plainRow } from './row.ts';
import { MINERS, TIME } from './workload.ts';

/** A bundle from bytes to verdict, with all that an offline verifier can look at. */
export const bundle: Benchmark = {
  name: 'bundle',
  summary: 'a bundle of a report checked offline, witnesses and all',
  measure: async (quick) => {
    const { bytes, expected } = signedBundle();
    const deps = { verify: verifySr25519, blake2b256 };
    const unmade = checkBundle(bytes, expected, deps, null)
      .filter(({ verdict }) => verdict !== 'passed')
      .map(({ code }) => code);
    // The chain is not asked: that takes a node, and its time is the network's.
    if (unmade.join() !== 'B12,B13') throw new Error(`not passed: ${unmade.join(', ')}`);
    const value = await repeat(
      () => milliseconds(() => isClean(checkBundle(bytes, expected, deps, null))),
      quick ? { warmUps: 0, rounds: 2 } : { warmUps: 10, rounds: 101 },
    );
    const size = bytes.length.toLocaleString('en-US');
    const what = `a bundle of ${size} bytes checked, ${WITNESSES} witnesses`;
    return [
      plainRow({ name: 'bundle', what, unit: 'ms' }, value, [
        { of: 'value', is: 'at most', bound: 50 },
      ]),
    ];
  },
};

/** As many cosignatures as a served checkpoint carries, each asked for. */
const WITNESSES = MAX_SERVED_SIGNATURES - 2;

/** Entries of the chain's state beside the commitment: they fill the branches on the way to it. */
const NEIGHBOURS = 2_000;

/** The report's place in a log of this size, and the tree that its commitment anchors. */
const SIZE = 10_000;
const INDEX = 7_000;
const ANCHORED = 7_001;

const RUN_KEY = sha256('key of run-7');
/** Seconds since 1970. */
const NOW = 1_800_000_000;

const author = devSigner('bench');
const { genesis, netuid, family, run } = expectation;
const { hotkey } = author;
const source = logSource({ genesis, netuid, hotkey, generation: 0 });

function signedBundle(): { bytes: Uint8Array; expected: BundleExpectations } {
  const { document } = signedReport();
  const { body, signature } = document;
  const coverage = MINERS.map((miner) => ({ miner, judged: 256, excused: 0, missing: 0 }));
  const fact = { family, run, hotkey, body, signature, digest: sha256(body), coverage };
  const start = payloadOf(logStarted(author, source, { genesis, netuid }), EMPTY);
  const report = payloadOf(sealFact({ type: 'report.signed.v1', data: fact }, RUN_KEY), {
    size: INDEX,
    hash: leafHash(start),
  });
  const tree = naiveTree(
    Array.from({ length: SIZE }, (_, n): Hash => {
      if (n === 0) return leafOf(start);
      return leafOf(n === INDEX ? report : Buffer.from(`event ${n}`));
    }),
  );
  const { policy, checkpoint } = cosigned(tree.root(SIZE));
  const placed = (index: number, payload: Uint8Array) => {
    const proof = tree.inclusion(index, SIZE);
    const text = formatTlogProof({ extra: null, index, proof, checkpoint });
    return { payload: base64(payload), proof: Buffer.from(text).toString('utf8') };
  };
  const anchor = {
    generation: 0,
    size: ANCHORED,
    root: hexOf(tree.root(ANCHORED)),
    commit: commitmentV2(RUN_KEY, body),
  };
  const fields = [commitmentPayload(run, body), anchorPayload(anchor)];
  const stored = provedCommitment({ netuid, hotkey, fields, block: 200, neighbours: NEIGHBOURS });
  const bytes = formatBundle({
    report: document,
    opening: { key: RUN_KEY },
    event: placed(INDEX, report),
    start: placed(0, start),
    commitment: {
      block: 200,
      statement: signedCommitment(author, { genesis, netuid, fields }),
      consistency: tree.consistency(ANCHORED, SIZE).map(base64),
      readProof: { kind: 'taken', key: commitmentKey({ netuid, hotkey }) ?? '', ...stored },
    },
    policy: Buffer.from(formatPolicy(policy)).toString('latin1'),
  });
  return { bytes, expected: { hotkey, genesis, netuid, policy, now: NOW } };
}

function payloadOf(event: Parameters<typeof seal>[0]['event'], head: Head): Uint8Array {
  return seal({ event, time: TIME, causationId: null }, source, head).payload;
}

/** A checkpoint of that root with a cosignature of each witness, and the policy that asks for all of them. */
function cosigned(root: Hash): { policy: Policy; checkpoint: Uint8Array } {
  const logSeed = logSeedOf(hotkey);
  const note = signCheckpoint({ origin: source, size: SIZE, root }, { logSeed, signer: author });
  const { text, signatures } = parseNote(note);
  const witnesses = Array.from({ length: WITNESSES }, (_, at) => {
    const name = `w${at}`;
    return { name, seed: Buffer.from(sha256(name), 'hex') };
  });
  const lines = witnesses.map((witness) => cosign(text, { ...witness, time: NOW - 60 }));
  const trusted = witnesses.map(({ name, seed }) => ({
    name,
    key: cosignerKey(name, publicKeyEd25519(seed)),
    url: null,
  }));
  const members = witnesses.map(({ name }) => name);
  const policy = {
    logs: [],
    witnesses: trusted,
    groups: [{ name: 'all', threshold: members.length, members }],
    quorum: 'all',
  };
  return { policy, checkpoint: formatNote({ text, signatures: [...signatures, ...lines] }) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
