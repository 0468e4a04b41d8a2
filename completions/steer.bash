# bash completion for steer. Load it with: source <(steer completion bash)
# An alias is completed too with: complete -o default -F __start_steer ALIAS

__start_steer() {
    local line=${COMP_LINE:0:COMP_POINT} words=() word i current part out directive ending

    # bash splits words at = and : too; what has no space between belongs together.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $line != [[:space:]]* ]]; then
            ((i < COMP_CWORD)) || word=$line
            words[${#words[@]} - 1]+=$word
        else
            line=${line#"${line%%[![:space:]]*}"}
            ((i < COMP_CWORD)) || word=$line
            words+=("$word")
        fi
        line=${line#"$word"}
    done
    current=${words[${#words[@]} - 1]}

    out=$(steer __completeNoDesc "${words[@]:1}" 2>/dev/null) || return
    directive=${out##*:}
    out=${out%:*}
    COMPREPLY=()
    if ((directive & 1)); then
        return
    fi
    ((directive & 2)) && compopt -o nospace 2>/dev/null
    ((directive & 4)) && compopt +o default 2>/dev/null

    if ((directive & 8)); then
        compopt -o filenames 2>/dev/null
        [[ $current == -*=* ]] && current=${current#*=}
        while IFS= read -r word; do
            if [[ -d $word ]]; then
                COMPREPLY+=("$word")
                continue
            fi
            while IFS= read -r ending; do
                [[ -n $ending && $word == *."$ending" ]] && COMPREPLY+=("$word")
            done <<<"$out"
        done < <(compgen -f -- "$current")
        return
    fi

    # bash replaces only what follows the last = or :, so that is all a candidate may have.
    part=${COMP_WORDS[COMP_CWORD]}
    [[ $part == [=:] ]] && part=
    part=${current%"$part"}
    while IFS= read -r word; do
        [[ -n $word ]] && COMPREPLY+=("${word#"$part"}")
    done <<<"$out"
}

complete -o default -F __start_steer steer
