"""Why a model predicts what it does: atoms that matter, and measured neighbours."""
