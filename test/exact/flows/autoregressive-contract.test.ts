import { holdsContract } from "./contract.ts";
import { autoregressiveBijections } from "./registry-autoregressive.ts";

for (const registered of autoregressiveBijections) holdsContract(registered);
