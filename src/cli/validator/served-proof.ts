import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { LogStart } from '../../events/log-started.ts';
import type { AppDeps } from '../../http/app.ts';
import { hotkeyVerifierKey, logVerifierKey } from '../../merkle/checkpoint.ts';
import { cosignerKey, cosignerName } from '../../merkle/cosignature.ts';
import { formatVerifierKey, type VerifierKey } from '../../merkle/signed-note.ts';
import { formatPolicy } from '../../merkle/tlog-policy.ts';
import { acceptedEvidence, evidenceFile } from '../../projectors/evidence.ts';
import type { Queries } from '../../projectors/projector.ts';
import { PUBLISHED_FOLDER } from '../../runtime/log-files.ts';
import { publishedFiles } from '../../runtime/published-files.ts';

/** Everything that is served of the proof: the published log, bundles, witnessing and evidence. */
export type ServedProof = Pick<
  AppDeps,
  | 'publishedLog'
  | 'logDescription'
  | 'bundle'
  | 'witnessedCheckpoint'
  | 'addCheckpoint'
  | 'evidenceIndex'
  | 'evidence'
  | 'offerEvidence'
>;

/** A validator that is asked to cosign this log: its hotkey, its key, and what its witness's paths begin with. */
export type AskedWitness = Readonly<{ hotkey: string; key: VerifierKey; url: string }>;

export type ServedProofParts = Readonly<{
  /** EIREL_DATA_DIR: the published files lie below it. */
  dataDir: string;
  /** What the first event of the log says. */
  start: LogStart;
  /** The newest published checkpoint; null before the first. */
  published: AppDeps['publishedLog']['checkpoint'];
  /** Those whose keys are known by now. */
  witnesses: () => readonly AskedWitness[];
  /** The projection of evidence. */
  evidence: Queries;
}> &
  Pick<AppDeps, 'bundle' | 'witnessedCheckpoint' | 'addCheckpoint' | 'offerEvidence'>;

/** Puts what is served of the proof together, from the parts that make it. */
export function servedProof(parts: ServedProofParts): ServedProof {
  const { dataDir, start, published, witnesses, evidence } = parts;
  const { bundle, witnessedCheckpoint, addCheckpoint, offerEvidence } = parts;
  return {
    publishedLog: {
      checkpoint: published,
      file: publishedFiles(join(dataDir, PUBLISHED_FOLDER)),
    },
    logDescription: async () => describeLog(start, witnesses()),
    bundle,
    witnessedCheckpoint,
    addCheckpoint,
    evidenceIndex: () => acceptedEvidence(evidence),
    evidence: async (digest) => {
      const file = await evidenceFile(evidence, digest);
      return file === null ? null : Buffer.from(file, 'utf8');
    },
    offerEvidence,
  };
}

type LogDescription = Awaited<ReturnType<AppDeps['logDescription']>>;

/** What `/log/.well-known/eirel-log.json` says of a log. */
export function describeLog(start: LogStart, witnesses: readonly AskedWitness[]): LogDescription {
  const { source, genesis, netuid, hotkey, previous } = start;
  const logKey = logVerifierKey(source, Buffer.from(start.logKey, 'hex'));
  const hotkeyKey = hotkeyVerifierKey(source);
  if (hotkeyKey === null) {
    throw new AppError('log.broken', { source, expected: 'the name of a log of this subnet' });
  }
  const witnessKey = cosignerKey(cosignerName(start), Buffer.from(start.witnessKey, 'hex'));
  return {
    v: 'eirel-log/1',
    origin: source,
    genesis,
    netuid,
    hotkey,
    keys: {
      log: formatVerifierKey(logKey),
      hotkey: formatVerifierKey(hotkeyKey),
      witness: formatVerifierKey(witnessKey),
    },
    generations: [{ source, previous }],
    policy: policyOf(logKey, witnesses),
    mirrors: [],
  };
}

/** Cosignatures that show a checkpoint to be what others see: more than that costs verifiers time and adds little. */
const WISHED_WITNESSES = 3;

/**
 * Any three of the asked, all of them where they are fewer, none where there is nobody to ask. Hotkeys that
 * share a key are one witness, the first that is known.
 */
function policyOf(logKey: VerifierKey, asked: readonly AskedWitness[]): string {
  const byKey = Map.groupBy(asked, ({ key }) => Buffer.from(key.typeAndKey).toString('hex'));
  const witnesses = [...byKey.values()].flatMap(([first]) =>
    first === undefined ? [] : [{ name: first.hotkey, key: first.key, url: first.url }],
  );
  const members = witnesses.map(({ name }) => name);
  const threshold = Math.min(WISHED_WITNESSES, members.length);
  const policy = formatPolicy({
    logs: [{ key: logKey, url: null }],
    witnesses,
    groups: members.length === 0 ? [] : [{ name: 'validators', threshold, members }],
    quorum: members.length === 0 ? 'none' : 'validators',
  });
  return Buffer.from(policy).toString('latin1');
}
