// SPDX-License-Identifier: Apache-2.0
#pragma once

void add_gated_recurrence();
void add_sparse_parity();
