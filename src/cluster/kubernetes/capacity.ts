import type { V1ResourceQuota } from '@kubernetes/client-node';
import type { ClusterProfile } from '../objects/profile.ts';

/** A run has one Job beside those of its submissions: its anchor. */
const ANCHORS = 1;

/**
 * How many submissions the quotas of the miners' namespace hold at once, each with what its profile gives it; null where
 * none of them limits that. A quota of some pods alone (with scopes) may not be about ours, and does not count.
 */
export function capacityOf(
  quotas: readonly V1ResourceQuota[],
  { cpuMillis, memoryMib, diskMib }: Pick<ClusterProfile, 'cpuMillis' | 'memoryMib' | 'diskMib'>,
): number | null {
  const cpu = cpuMillis / 1_000;
  const memory = memoryMib * MIB;
  const disk = diskMib * MIB;
  const each = new Map<string, number>([
    ...['pods', 'count/pods', 'services', 'count/services', 'count/jobs.batch'].map(
      (name) => [name, 1] as const,
    ),
    ...['cpu', 'requests.cpu', 'limits.cpu'].map((name) => [name, cpu] as const),
    ...['memory', 'requests.memory', 'limits.memory'].map((name) => [name, memory] as const),
    ...['ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage'].map(
      (name) => [name, disk] as const,
    ),
  ]);
  const rooms = quotas
    .filter(({ spec }) => spec?.scopes === undefined && spec?.scopeSelector === undefined)
    .flatMap(({ spec }) => Object.entries(spec?.hard ?? {}))
    .flatMap(([name, hard]) => {
      const one = each.get(name);
      const whole = quantityOf(hard);
      if (one === undefined || whole === null) return [];
      const left = whole - (name === 'count/jobs.batch' ? ANCHORS : 0);
      return [Math.floor(left / one + ROUNDING)];
    });
  return rooms.length === 0 ? null : Math.max(0, Math.min(...rooms));
}

const MIB = 1_024 * 1_024;

/** Quantities are decimal, and their quotients a last digit away from whole numbers: 0.3 by 0.1 is three. */
const ROUNDING = 1e-9;

const QUANTITY = /^(\d+(?:\.\d+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/;
const SUFFIXES = new Map<string, number>([
  ['m', 1e-3],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['Ki', 1_024],
  ['Mi', MIB],
  ['Gi', 1_024 ** 3],
  ['Ti', 1_024 ** 4],
  ['Pi', 1_024 ** 5],
]);

/** A quantity of the API as a number; null for a form that quotas are not written in. */
function quantityOf(text: string): number | null {
  const [, figure, suffix = ''] = QUANTITY.exec(text) ?? [];
  return figure === undefined ? null : Number(figure) * (SUFFIXES.get(suffix) ?? 1);
}
