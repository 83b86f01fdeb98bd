/** How one command is run. */
export interface CommandRun {
  readonly signal: AbortSignal;
  /** Laid over the environment of the server. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Told each record as it is written; the run then returns none. */
  readonly onRecord?: ((record: unknown) => void) | undefined;
  /** Told each line meant for people. */
  readonly onTalk?: ((line: string) => void) | undefined;
}

/** A document that agents may read. */
export interface AgentDocument {
  /** The last part of its address. */
  readonly name: string;
  readonly title: string;
  read(): Promise<string>;
}

/** What the server of an agent's tools stands on: the commands, and what the user set. */
export interface AgentHost {
  readonly version: string;
  /**
   * Runs a command line with `--json` and returns the records it wrote, where they are not told one by one.
   *
   * @throws QuarryError what the command fails with
   */
  run(args: readonly string[], control: CommandRun): Promise<unknown[]>;
  readonly documents: readonly AgentDocument[];
  /** Bonds above this are refused, shannons: what the user's settings allow, if they say. */
  readonly maxBondShannons: bigint | undefined;
  /** Bonds above this need the user's word, shannons. */
  readonly confirmAboveShannons: bigint;
  /** Data that the user's settings name: what a miner may read besides public datasets. */
  readonly data: readonly string[];
  /** Values that no result may hold. */
  readonly secrets: readonly string[];
}
