#!/usr/bin/env bash
# Installs the peers, each in a virtual environment of its own (LightGBM in chemprop's): benchmarks/peers.sh [FOLDER]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/.peers}
python=${PYTHON:-python3.11}
torch=$(grep '^torch==' "$here/../constraints.txt")
install() { # name, packages
  [ -x "$folder/$1/bin/python" ] || "$python" -m venv "$folder/$1"
  "$folder/$1/bin/pip" install --quiet "$torch" "${@:2}"
}
install chemprop chemprop==2.3.1 lightgbm==4.7.0
install physicsnemo nvidia-physicsnemo==2.2.2 torch-geometric scipy scikit-learn
install aurora microsoft-aurora==2.0.1
install torch_harmonics torch-harmonics==0.8.0
[ -x "$folder/cuik/bin/python" ] || "$python" -m venv "$folder/cuik"
"$folder/cuik/bin/pip" install --quiet cuik-molmaker-pin==2026.3.6 # and the RDKit it is tied to
