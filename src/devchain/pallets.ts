import type { DevError } from './state.ts';

/** The pallets of the development chain, with Finney's indices (spec 343). */
export const PALLETS = {
  System: 0,
  Timestamp: 2,
  Aura: 3,
  SubtensorModule: 7,
  Commitments: 18,
  Drand: 26,
} as const;
export type PalletName = keyof typeof PALLETS;

/** Where the runtime's crates declare the calls, events and errors of a pallet. */
export const PALLET_PATHS: Readonly<Record<PalletName, string>> = {
  System: 'frame_system::pallet',
  Timestamp: 'pallet_timestamp::pallet',
  Aura: 'pallet_aura::pallet',
  SubtensorModule: 'pallet_subtensor::pallet',
  Commitments: 'pallet_commitments::pallet',
  Drand: 'pallet_drand::pallet',
};

/** Errors by their index, those that a rule of this chain can give or that an adapter has to know. */
export const PALLET_ERRORS: Readonly<Record<DevError['pallet'], Readonly<Record<string, number>>>> =
  {
    System: { CallFiltered: 5 },
    SubtensorModule: {
      InvalidIpType: 1,
      InvalidIpAddress: 2,
      InvalidPort: 3,
      HotKeyNotRegisteredInSubNet: 4,
      HotKeyAccountNotExists: 5,
      HotKeyNotRegisteredInNetwork: 6,
      NonAssociatedColdKey: 7,
      NotEnoughStake: 8,
      NotEnoughStakeToSetWeights: 10,
      NeuronNoValidatorPermit: 15,
      WeightVecNotEqualSize: 16,
      DuplicateUids: 17,
      UidVecContainInvalidOne: 18,
      WeightVecLengthIsLow: 19,
      MaxWeightExceeded: 26,
      SettingWeightsTooFast: 28,
      IncorrectWeightVersionKey: 29,
      ServingRateLimitExceeded: 30,
      UidsLengthExceedUidsInSubNet: 31,
      NetworkTxRateLimitExceeded: 32,
      CanNotSetRootNetworkWeights: 46,
      NoWeightsCommitFound: 50,
      InvalidRevealCommitHashNotMatch: 51,
      CommitRevealEnabled: 52,
      CommitRevealDisabled: 53,
      TxRateLimitExceeded: 64,
      MechanismDoesNotExist: 71,
      SubnetNotExists: 73,
      TooManyUnrevealedCommits: 74,
      ExpiredWeightCommit: 75,
      RevealTooEarly: 76,
      InputLengthsUnequal: 77,
      CommittingWeightsTooFast: 78,
      CallDisabled: 84,
      SubtokenDisabled: 91,
      IncorrectCommitRevealVersion: 109,
    },
    Commitments: {
      TooManyFieldsInCommitmentInfo: 0,
      AccountNotAllowedCommit: 1,
      SpaceLimitExceeded: 2,
      UnexpectedUnreserveLeftover: 3,
    },
  };
