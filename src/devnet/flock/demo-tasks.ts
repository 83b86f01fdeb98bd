/** A task as stored by the demo service; responses contain parts of it. */
export interface DemoTask {
  readonly id: number;
  title: string;
  description: string;
  task_type: string;
  duration_in_seconds: number;
  status: string;
  initialized_at: string;
  submission_phase_ends_at: string;
  final_validation_ends_at: string;
  max_params: number;
  context_length: number;
  recommended_vram?: string | null | undefined;
  dataset_s3_key: string;
  final_link: string | null;
}

const link = (id: number): string => `https://huggingface.co/example-winner/task-${id}-model`;

/**
 * The eight tasks published on AI Arena up to April 2025, in the service's order. Titles, times, limits and keys are
 * original; descriptions are shortened, except for task 1.
 */
export const DEMO_TASKS: readonly Readonly<DemoTask>[] = [
  {
    id: 99999,
    title: 'Mainnet Test Run',
    description: 'Hey there, curious one! 👀 You’ve stumbled upon the test run of the arena.',
    task_type: 'training',
    duration_in_seconds: 57_600,
    status: 'finalized',
    initialized_at: '2024-12-29T04:27:36.829501',
    submission_phase_ends_at: '2024-12-29T23:59:59.829501',
    final_validation_ends_at: '2025-01-03T23:59:59.829501',
    max_params: 3_000_000_000,
    context_length: 1024,
    dataset_s3_key: 'ai-friend-loki/combined.jsonl',
    final_link: link(99999),
  },
  {
    id: 1,
    title: 'Foundation Model for Web3 Agent',
    description:
      'The Web3 world is buzzing about AI agents, but true decentralization can’t happen if every agent relies on GPT or Claude. FLock is rallying open-source and decentralized AI engineers to build a foundation model with robust function-calling capabilities for blockchain-related tasks. Together, let’s empower everyone to create their own models and agents.',
    task_type: 'training',
    duration_in_seconds: 2_160_000,
    status: 'finalized',
    initialized_at: '2024-12-31T03:02:33.260306',
    submission_phase_ends_at: '2025-01-25T23:59:59.260306',
    final_validation_ends_at: '2025-01-30T23:59:59.260306',
    max_params: 9_500_000_000,
    context_length: 4096,
    recommended_vram: '24GB',
    dataset_s3_key: 'web3_agent/combined.jsonl',
    final_link: 'https://huggingface.co/jfranklin-foundry/task-1-microsoft-Phi-3-mini-4k-instruct',
  },
  {
    id: 2,
    title: 'Animoca Brands x FLock: VC Research Agent',
    description: 'Animoca Brands is partnering with FLock to explore research agents for venture capital.',
    task_type: 'training',
    duration_in_seconds: 1_209_600,
    status: 'finalized',
    initialized_at: '2025-01-17T04:14:18.475038',
    submission_phase_ends_at: '2025-01-31T23:59:59.475038',
    final_validation_ends_at: '2025-02-05T23:59:59.475038',
    max_params: 9_500_000_000,
    context_length: 8192,
    recommended_vram: '24GB',
    dataset_s3_key: 'vc_agent/combined.jsonl',
    final_link: link(2),
  },
  {
    id: 4,
    title: 'Pundi AI x FLock: Footelligence',
    description: 'FLock.io and Pundi AI have partnered to revolutionise football analysis.',
    task_type: 'training',
    duration_in_seconds: 1_728_000,
    status: 'finalized',
    initialized_at: '2025-02-05T21:30:12.331716',
    submission_phase_ends_at: '2025-02-25T23:59:59.331716',
    final_validation_ends_at: '2025-03-02T23:59:59.331716',
    max_params: 8_000_000_000,
    context_length: 2048,
    recommended_vram: '24GB',
    dataset_s3_key: 'footellience/combined.jsonl',
    final_link: link(4),
  },
  {
    id: 3,
    title: 'AI Hedge Fund: QuantumApex',
    description: 'QuantumApex will function as a key component of an AI hedge fund.',
    task_type: 'training',
    duration_in_seconds: 1_296_000,
    status: 'finalized',
    initialized_at: '2025-01-30T15:46:35.932388',
    submission_phase_ends_at: '2025-02-14T23:59:59.932388',
    final_validation_ends_at: '2025-02-19T23:59:59.932388',
    max_params: 8_000_000_000,
    context_length: 4096,
    recommended_vram: '24GB',
    dataset_s3_key: 'hedge_fund/combined.jsonl',
    final_link: link(3),
  },
  {
    id: 6,
    title: 'AI Producer: SEEK48',
    description:
      '<p>FLock introduces SEEK48, an advanced AI idol producer.</p><p>Read <a href="https://example.org/seek48">the story</a> &amp; join:</p><ul><li>write songs</li><li>plan tours</li></ul>',
    task_type: 'training',
    duration_in_seconds: 2_419_200,
    status: 'submission_phase',
    initialized_at: '2025-03-02T23:02:16.975240',
    submission_phase_ends_at: '2025-03-30T23:59:59.975240',
    final_validation_ends_at: '2025-04-04T23:59:59.975240',
    max_params: 8_000_000_000,
    context_length: 4096,
    recommended_vram: '24GB',
    dataset_s3_key: 'ai-idol/combined.jsonl',
    final_link: null,
  },
  {
    id: 5,
    title: 'Chasm x FLock: AI Mystery',
    description: '<p>FLock & Chasm introduces an AI-powered metaverse mystery.</p>',
    task_type: 'training',
    duration_in_seconds: 2_419_200,
    status: 'finalized',
    initialized_at: '2025-02-21T16:55:52.751560',
    submission_phase_ends_at: '2025-03-21T23:59:59.751560',
    final_validation_ends_at: '2025-03-26T23:59:59.751560',
    max_params: 8_000_000_000,
    context_length: 2048,
    recommended_vram: '24GB',
    dataset_s3_key: 'ai-mystery/combined.jsonl',
    final_link: link(5),
  },
  {
    id: 7,
    title: 'FLock x OneKey: Advancing AI-Driven Smart Contract Security',
    description: 'FLock and OneKey are collaborating to launch tasks for smart contract security.',
    task_type: 'training',
    duration_in_seconds: 2_419_200,
    status: 'submission_phase',
    initialized_at: '2025-03-26T16:22:01.791348',
    submission_phase_ends_at: '2025-04-23T23:59:59.791348',
    final_validation_ends_at: '2025-04-28T23:59:59.791348',
    max_params: 15_000_000_000,
    context_length: 8192,
    recommended_vram: '48GB',
    dataset_s3_key: 'onekey-security/combined.jsonl',
    final_link: null,
  },
];
