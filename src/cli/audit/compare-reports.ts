import type { Fault } from '../../audit/fault.ts';
import { compareLeftOut, type LeftOut, type ReportDivergence } from '../../audit/left-out.ts';
import { type PeerReports, readReports } from '../../audit/peer-reports.ts';
import { verifySr25519 } from '../../chain/hotkey.ts';
import type { Io } from '../command.ts';
import { openLogSource } from './open-log-source.ts';

/** How the reports that a log did not count compare with what peers' logs hold of them. */
export type ComparedReports = Readonly<{
  /** Reports that were left out. */
  leftOut: number;
  divergences: readonly ReportDivergence[];
  faults: readonly Fault[];
}>;

/** Looks in peers' logs for the reports that a log did not count. Null where no peer was named. */
export async function compareReports(
  leftOut: readonly LeftOut[],
  peers: readonly string[],
  io: Io,
): Promise<ComparedReports | null> {
  if (peers.length === 0) return null;
  const places = new Set(leftOut.map(({ place }) => place));
  const held: PeerReports[] = [];
  for (const peer of places.size === 0 ? [] : peers) {
    await using opened = await openLogSource(peer, io);
    held.push(await readReports(opened.source, places));
  }
  const count = leftOut.reduce((sum, { voters }) => sum + voters.length, 0);
  return { leftOut: count, ...compareLeftOut(leftOut, held, { verify: verifySr25519 }) };
}

/** The same for people: a line for each report that is left out here and held elsewhere. */
export function tellReports(
  compared: ComparedReports | null,
): readonly (readonly [string, string])[] {
  if (compared === null) return [['reports', 'what was left out not checked: no --peer']];
  const { leftOut, divergences } = compared;
  return [
    ['reports', `${leftOut} left out, ${divergences.length} of them held by peers`],
    ...divergences.map(
      ({ code, run, hotkey, index, said, digest, by, logs }) =>
        [
          code,
          `${run}, event ${index}: the report of ${hotkey} is ${said}; ${by} holds ${digest}, which verifies${logs > 1 ? `, as ${logs - 1} more do` : ''}`,
        ] as const,
    ),
  ];
}
