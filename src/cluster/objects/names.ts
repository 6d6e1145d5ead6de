import { sha256 } from '../../events/hash.ts';
import type { RuntimeWanted } from '../cluster.ts';
import type { ClusterProfile } from './profile.ts';

/** Label keys; every object of ours has them. */
export const LABEL = {
  managedBy: 'app.kubernetes.io/managed-by',
  partOf: 'app.kubernetes.io/part-of',
  component: 'eirel.io/component',
  validator: 'eirel.io/validator',
  run: 'eirel.io/run',
  submission: 'eirel.io/submission',
  deployment: 'eirel.io/deployment',
  attempt: 'eirel.io/attempt',
} as const;

/** What is too long for a label, and of which nothing is selected. */
export const ANNOTATION = { miner: 'eirel.io/miner', archive: 'eirel.io/archive' } as const;

type OfRun = Readonly<{ family: string; run: string }>;

/** The labels of everything that belongs to a run on one validator. */
export function runLabels(of: OfRun, instance: string): Record<string, string> {
  return {
    [LABEL.managedBy]: 'eirel-validator',
    [LABEL.partOf]: 'eirel',
    [LABEL.component]: 'miner',
    [LABEL.validator]: instance,
    [LABEL.run]: runLabel(of),
  };
}

/** A run as the value of a label: at most 46 characters of [a-z0-9_.-]. */
export function runLabel({ family, run }: OfRun): string {
  return `${family}.${run}`;
}

/** The labels of what belongs to one attempt of a submission. */
export function attemptLabels(wanted: RuntimeWanted, instance: string): Record<string, string> {
  return {
    ...runLabels(wanted, instance),
    [LABEL.submission]: wanted.submission,
    [LABEL.deployment]: wanted.deployment,
    [LABEL.attempt]: String(wanted.attempt),
  };
}

/** Selects everything of one validator. */
export function instanceSelector(instance: string): string {
  return `${LABEL.managedBy}=eirel-validator,${LABEL.validator}=${instance}`;
}

/** The object that owns all of a run. */
export function anchorName(of: OfRun, { instance }: ClusterProfile): string {
  return named('r', [instance, of.family, of.run]);
}

/** One chunk of an archive, which belongs to a run. */
export function chunkName(wanted: RuntimeWanted, index: number, profile: ClusterProfile): string {
  const name = named('a', [profile.instance, wanted.family, wanted.run, wanted.archive]);
  return `${name}-${String(index).padStart(2, '0')}`;
}

/**
 * The Job of an attempt, and its Service: a pure function of all that it runs with. A change of any of it is a new
 * object, the same is none.
 */
export function attemptName(wanted: RuntimeWanted, profile: ClusterProfile): string {
  const { family, run, submission, deployment, attempt, archive, manifest } = wanted;
  const { leaseSeconds: _, ...runsWith } = profile;
  return named('m', [
    family,
    run,
    submission,
    deployment,
    String(attempt),
    archive,
    manifest,
    ...Object.entries(runsWith).flat().map(String),
  ]);
}

/** 48 bits of a digest: a collision would have to be within one validator's few hundred objects. */
const NAME_DIGITS = 12;

function named(kind: string, of: readonly string[]): string {
  return `${kind}-${sha256(of.join('\0')).slice(0, NAME_DIGITS)}`;
}
