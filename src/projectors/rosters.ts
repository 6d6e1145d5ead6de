import type { EventOf } from '../events/define-event.ts';
import {
  ArchiveAccepted,
  ArchiveRefused,
  RosterAccepted,
  RosterRefused,
} from '../events/roster.ts';
import { fact, factOf, factSchema, factStatements, factsOf } from './facts.ts';
import type { Projector, Queries } from './projector.ts';

/** Which rosters and archives this validator took and refused, and from whom. */
export const rosters: Projector = {
  name: 'rosters',
  version: 1,
  schema: factSchema,
  statements: factStatements,
  project: (recorded) => {
    switch (recorded.event.type) {
      case 'roster.accepted.v1':
      case 'roster.refused.v1':
      case 'archive.accepted.v1':
      case 'archive.refused.v1':
        return [fact(recorded, 'first')];
      default:
        return [];
    }
  },
};

export type AcceptedRoster = EventOf<typeof RosterAccepted>['data'];
export type RefusedRoster = EventOf<typeof RosterRefused>['data'];
export type AcceptedArchive = EventOf<typeof ArchiveAccepted>['data'];
export type RefusedArchive = EventOf<typeof ArchiveRefused>['data'];

/** The roster by which a run was opened; null where there is none. */
export function rosterOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<AcceptedRoster | null> {
  return factOf(queries, RosterAccepted, family, run);
}

/** The rosters that were refused of a run, in the order of the log. */
export function refusedRosters(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly RefusedRoster[]> {
  return factsOf(queries, RosterRefused, family, run);
}

/** The archives that were accepted and refused in a run, each in the order of the log. */
export async function archivesIn(
  queries: Queries,
  family: string,
  run: string,
): Promise<Readonly<{ accepted: readonly AcceptedArchive[]; refused: readonly RefusedArchive[] }>> {
  return {
    accepted: await factsOf(queries, ArchiveAccepted, family, run),
    refused: await factsOf(queries, ArchiveRefused, family, run),
  };
}
