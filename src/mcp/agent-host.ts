/** How to run a command. */
export interface CommandRun {
  readonly signal: AbortSignal;
  /** Merged over the server's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Called with each record as it is written; the run then returns none. */
  readonly onRecord?: ((record: unknown) => void) | undefined;
  /** Called with each line of human-readable output. */
  readonly onTalk?: ((line: string) => void) | undefined;
}

/** A document that agents can read. */
export interface AgentDocument {
  /** Last segment of its URI. */
  readonly name: string;
  readonly title: string;
  read(): Promise<string>;
}

/** What the MCP server needs from the command line: its commands and the user's settings. */
export interface AgentHost {
  readonly version: string;
  /**
   * Runs a command line with `--json` and returns its records, unless `onRecord` receives them.
   *
   * @throws QuarryError whatever the command fails with
   */
  run(args: readonly string[], control: CommandRun): Promise<unknown[]>;
  readonly documents: readonly AgentDocument[];
  /** Maximum bond in shannons, from the user's settings; larger bonds are refused. Default: none. */
  readonly maxBondShannons: bigint | undefined;
  /** Bonds above this need the user's confirmation, shannons. */
  readonly confirmAboveShannons: bigint;
  /** Data sources named in the user's settings: what a miner may read besides public datasets. */
  readonly data: readonly string[];
  /** Values to redact from all results. */
  readonly secrets: readonly string[];
}
