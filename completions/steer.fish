# fish completion for steer. Load it with: steer completion fish | source

function __steer_candidates
    set -l before (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l out (steer __complete $before[2..] $current 2>/dev/null)
    set -l directive (string replace --regex '^:' '' -- $out[-1])
    string match --quiet --regex '^\d+$' -- $directive
    or return
    set --erase out[-1]
    test (math "bitand($directive, 1)") -eq 0
    or return

    # fish replaces the whole token, also of --flag=value.
    set -l flag (string match --regex '^-[^=]*=' -- $current)
    set -l value (string replace -- "$flag" '' $current)
    if test (math "bitand($directive, 8)") -ne 0
        for file in (__fish_complete_path $value)
            set -l name (string split --fields 1 \t -- $file)
            if string match --quiet '*/' -- $name
                echo "$flag$file"
            else if contains -- (string split --right --max 1 . -- $name)[-1] $out
                echo "$flag$file"
            end
        end
    else if test (count $out) -gt 0
        printf "$flag%s\n" $out
    else if test (math "bitand($directive, 4)") -eq 0
        for file in (__fish_complete_path $value)
            echo "$flag$file"
        end
    end
end

complete --command steer --erase
complete --command steer --no-files --keep-order --arguments '(__steer_candidates)'
