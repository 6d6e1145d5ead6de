import { Ss58 } from '../events/scalars.ts';

/** The ledger of one validator. */
export const ledgerSettings = {
  EIREL_LEDGER_HOTKEY: Ss58.optional().describe(
    "the hotkey of the validator whose calls and costs `eirel ledger` records: part of its log's name",
  ),
};
