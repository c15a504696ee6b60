#!/bin/bash
# What the recording in README shows; see `make recording`.
type_and_run() {
    printf '\e[1;32m$\e[0m '
    for ((i = 0; i < ${#1}; i++)); do printf '%s' "${1:i:1}"; sleep 0.03; done
    sleep 0.6; printf '\n'
    eval "$1"
    sleep "${2:-2}"
}

type_and_run 'scalesearch grid --baseline tiny --budget smoke --data digits --plan' 3
type_and_run 'scalesearch grid --baseline tiny --budget smoke --data digits' 3
type_and_run 'scalesearch cost results/tiny-phi1-smoke/family/phi2.yaml' 3
type_and_run 'scalesearch solve b0 --max-flops 600M --max-params 8M' 3
type_and_run 'scalesearch export b0 --to torch --depth 1.2 --width 1.1 --resolution 258' 3
