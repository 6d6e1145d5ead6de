import type { Check } from '../../http/documents.ts';
import { type AskSpace, describeSpace, judgeSpace } from '../../sequencer/space.ts';

/** What the last look at the disks said: it is asked for at moments that cannot wait for one. */
export type SpaceWatch = Readonly<{
  /** Looks at the disks; disks that do not answer are as good as full. */
  look: () => Promise<void>;
  /** Why nothing new may be begun; null while there is room. */
  shortage: () => string | null;
  check: () => Check;
}>;

/** Watches the space that documents are kept in. Before the first look there is room for nothing. */
export function watchSpace(askSpace: AskSpace): SpaceWatch {
  let shortage: string | null = 'the disks were not looked at yet';
  return {
    look: async () => {
      try {
        const space = await askSpace();
        shortage =
          judgeSpace(space) === 'enough' ? null : `a disk is nearly full: ${describeSpace(space)}`;
      } catch (error) {
        shortage = `what is free is not known: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
    shortage: () => shortage,
    check: () => ({
      name: 'room for documents',
      ok: shortage === null,
      detail: shortage ?? 'pairs may be begun',
    }),
  };
}
